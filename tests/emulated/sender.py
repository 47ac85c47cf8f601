"""Post webhooks to the deployed HTTP API as their providers do, and see what the ledger says of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from bridge.storage.ledger import Ledger, Receipt
from cli.sample import Sample, signed
from functions.sources.registry import signed as signed_by_provider
from local.connections import CONNECTION, local_secret
from tests.emulated.deployed import Deployed

SETTLE_SECONDS = 120
AT_ONCE = 8
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
SETTLED = frozenset({"delivered", "ignored", "parked"})


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """What the condition says once it is true, or at the end of the time."""
    give_up_at = time.monotonic() + seconds
    while not (said := condition()) and time.monotonic() < give_up_at:
        time.sleep(0.2)
    return said


class Sender:
    """Whoever posts webhooks; a context manager."""

    def __init__(self, bridge: Deployed) -> None:
        self.bridge = bridge
        self.http = bridge.emulator.http()
        self.sqs = bridge.emulator.client("sqs")
        self.ledger = Ledger(bridge.variable("TABLE_NAME"), bridge.emulator.client("dynamodb"))

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def post(self, url: str, headers: Any, body: bytes) -> httpx.Response:
        """Post to an address of the HTTP API."""
        path = httpx.URL(url).raw_path.decode()
        return self.http.post(path, headers={**headers, "host": self.bridge.host}, content=body)

    def sample(self, path: Path, secret: str | None = None) -> httpx.Response:
        """Sign a file of events/ as its provider does, and post it."""
        sample = Sample.load(path)
        secret = secret or local_secret(sample.source)
        one = signed(sample, self.bridge.address(sample.source), secret, time.time())
        return self.post(one.url, one.headers, one.body)

    def webhook(self, source: str, topic: str, body: bytes, connection: str = CONNECTION) -> httpx.Response:
        """Sign a body as its provider does, and post it."""
        address = self.bridge.address(source, connection)
        headers, query = signed_by_provider(source, topic, body, local_secret(source), time.time(), address)
        url = httpx.URL(address, params=query) if query else address
        return self.post(str(url), {"content-type": "application/json", **headers}, body)

    def samples(self, paths: Iterable[Path]) -> dict[Path, httpx.Response]:
        """Post several samples, some at once, and wait until each has been dealt with."""
        listed = list(paths)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = dict(zip(listed, pool.map(self.sample, listed), strict=True))
        for path, answer in answers.items():
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
            if answer.json()["status"] == "accepted":
                assert self.receipt(answer), f"{path} is not dealt with"
        return answers

    def receipt(self, answer: httpx.Response, seconds: float = SETTLE_SECONDS) -> Receipt | None:
        """What became of a webhook that was taken in, once it is known."""
        webhook_id = answer.json()["id"]

        def settled() -> Receipt | None:
            receipt = self.ledger.receipt(webhook_id)
            return receipt if receipt and receipt.status in SETTLED else None

        return eventually(settled, seconds)  # type: ignore[no-any-return]

    def count(self, variable: str) -> int:
        """How many messages a queue has, whether visible or not."""
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.bridge.variable(variable), AttributeNames=list(COUNTS)
        )
        return sum(int(answer["Attributes"].get(name, 0)) for name in COUNTS)

    def is_idle(self) -> bool:
        """Whether no webhook is under way."""
        return self.count("QUEUE_URL") == 0
