"""Post a signed sample, and wait for what becomes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.errors import BatchUnavailable
from bridge.storage.ledger import FINAL, Ledger, Receipt
from cli.errors import CommandFailed, WrongUsage
from cli.receipt import document as receipt_document
from cli.sample import Sample, SignedRequest, signed
from cli.stack import Stack
from functions.sources.registry import SETTINGS

SEND_SECONDS = 35
"""API Gateway gives up after 30."""
WAIT_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.1
NO_ADDRESS = "--url needs a full address, such as https://example.com/shopify/main"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# status   what it means to whoever sent a sample
MEANING = {
    400: "the body is not valid for this provider",
    401: "the signature is wrong: the secret is another connection's, or this machine's clock is wrong",
    404: "there is no such connection: `bridge connections` lists them, `bridge connect` creates one",
    413: "the body is over 6 MB",
    429: "the API accepts no more requests per second: most providers repeat it",
    503: "the connection has no secret yet (`bridge connect` stores one), or the queue is unavailable",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what the endpoint answered; `body` is its JSON, or its text."""

    status: int
    body: Any

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 400

    @property
    def webhook_id(self) -> str | None:
        return self.body.get("id") if isinstance(self.body, dict) else None


@dataclass(frozen=True, slots=True)
class Sent:
    """Hold what came of sending; `is_repeat`: the receipt mentions an earlier delivery of the same webhook.

    `first` are the files that were sent before it.
    """

    sample: Sample
    answers: tuple[Answer, ...]
    receipt: Receipt | None
    is_repeat: bool
    waited: bool
    first: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return all(answer.is_success for answer in self.answers)

    @property
    def refusal(self) -> str:
        """Return why the first webhook that was not taken was not; empty where all were."""
        status = next((answer.status for answer in self.answers if not answer.is_success), None)
        return f"not accepted: {MEANING.get(status, f'the answer was {status}')}" if status else ""

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.sample.source,
            "topic": self.sample.topic,
            "first": list(self.first),
            "answers": [{"status": answer.status, "body": answer.body} for answer in self.answers],
            "receipt": receipt_document(self.receipt) if self.receipt else None,
            "repeat": self.is_repeat,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Hold where to send, and signed with what; what is None, the stack knows."""

    connection: str
    stack: Stack | None
    url: str | None = None
    secret: str | None = None
    transport: httpx.BaseTransport | None = None

    def send(self, sample: Sample, times: int = 1, *, waits: bool = True) -> Sent:
        """Sign and post a sample, and wait for its receipt. Raises CommandFailed, Refused."""
        url, secret = self.address(sample), self.signing_secret(sample)
        sample = self.with_stored_settings(sample)
        sent_at = time.time()
        answers = tuple(post(signed(sample, url, secret, time.time()), self.transport) for _ in range(times))
        webhook_id = answers[0].webhook_id
        if self.url or self.stack is None or not waits or not webhook_id:
            return Sent(sample, answers, receipt=None, is_repeat=False, waited=False)
        receipt = receipt_of(self.stack.ledger, webhook_id, sent_at)
        is_repeat = receipt is not None and is_older(receipt, sent_at)
        return Sent(sample, answers, receipt, is_repeat, waited=True)

    def address(self, sample: Sample) -> str:
        """Return where to post: the connection's address, or the one given. Raises WrongUsage."""
        if self.url:
            return full_address(self.url, sample, self.connection)
        return self.known_stack.address(sample.source, self.connection)

    def signing_secret(self, sample: Sample) -> str:
        """Return the one given, or the connection's newest. Raises CommandFailed, Unavailable."""
        return self.secret or newest_secret(self.known_stack, sample.source, self.connection)

    def with_stored_settings(self, sample: Sample) -> Sample:
        """Return a tool whose way to sign is a setting signs as the connection's settings say. Raises Unavailable."""
        if self.stack is None or sample.source not in SETTINGS:
            return sample
        stored = self.stack.parameters.read(sample.source, self.connection)
        return replace(sample, settings=stored) if stored else sample

    @property
    def known_stack(self) -> Stack:
        if self.stack is None:
            raise WrongUsage("without a stack, --url and --secret are both required")
        return self.stack


def full_address(url: str, sample: Sample, connection: str) -> str:
    """Return the address to post to: the one given, or, where that is only the endpoint, the connection's. Raises
    WrongUsage."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise WrongUsage(NO_ADDRESS) from None
    if not is_whole:
        raise WrongUsage(NO_ADDRESS)
    return url if parts.path.strip("/") else f"{url.rstrip('/')}/{sample.source}/{connection}"


def newest_secret(stack: Stack, source: str, connection: str) -> str:
    """Return what the connection's webhooks are signed with. Raises CommandFailed, Unavailable."""
    secrets = stack.signing_secrets(source, connection)
    if not secrets:
        raise CommandFailed(
            f"{source}/{connection} has no secret yet: `bridge connect {source} {connection}` stores one"
        )
    return secrets[0]


def post(request: SignedRequest, transport: httpx.BaseTransport | None = None) -> Answer:
    """Post it as the provider would, following no redirect. Raises CommandFailed where nobody answers."""
    parts = urlsplit(request.url)
    direct = parts.hostname in LOOPBACK
    try:
        with httpx.Client(transport=transport, timeout=SEND_SECONDS, trust_env=not direct) as client:
            answer = client.post(request.url, content=request.body, headers=dict(request.headers))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CommandFailed(f"no answer from {parts.hostname}: {type(error).__name__}") from None
    try:
        return Answer(answer.status_code, answer.json())
    except ValueError:
        return Answer(answer.status_code, answer.text)


def receipt_of(
    ledger: Ledger,
    webhook_id: str,
    sent_at: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Receipt | None:
    """Return what became of a webhook, waiting up to three seconds; None where that is not known yet."""
    give_up_at, found = clock() + WAIT_SECONDS, None
    while clock() < give_up_at:
        try:
            found = ledger.receipt(webhook_id)
        except BatchUnavailable:
            return None
        if found and (found.status in FINAL or not is_older(found, sent_at)):
            return found
        sleep(LOOK_EVERY_SECONDS)
    return found


def is_older(receipt: Receipt, sent_at: float) -> bool:
    """Return whether it mentions an earlier delivery of the same webhook."""
    return datetime.fromisoformat(receipt.finished_at) < datetime.fromtimestamp(sent_at, UTC)
