"""A deployed stack in moto, and the command as a person runs it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from bridge.storage.ledger import Receipt, link_row, receipt_row
from bridge.storage.queue import WebhookQueue
from cli.main import app
from cli.stack import Stack, deployed_stack, open_stack
from functions.retry.handler import order_of
from functions.retry.rounds import DeadLetters, Filter, retry_round
from functions.sources.registry import SOURCE_PACKAGES
from tests.world import ask_parked_at_once, properties

STACK = "bridge-test"
DOOR = "https://door.example.com"

Bridge = Callable[..., Result]


def template() -> str:
    """What the command line needs of template.yaml, as plain CloudFormation."""
    table = properties("LedgerTable")
    kept = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    outputs = {
        "Door": DOOR,
        "Ledger": {"Ref": "Table"},
        "Retry": "retry-function",
        "WebhooksQueueUrl": "webhooks",
    }
    return json.dumps(
        {
            "Resources": {
                "Table": {
                    "Type": "AWS::DynamoDB::Table",
                    "Properties": {name: table[name] for name in kept},
                }
            },
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
    )


@pytest.fixture(scope="session")
def session() -> boto3.Session:
    """One for all tests: each new one reads the descriptions of AWS's services again."""
    return boto3.Session()


@pytest.fixture
def opened() -> dict[str, Stack]:
    """The stacks that `--stack` finds without looking for them."""
    return {}


@pytest.fixture
def stack(session: boto3.Session, opened: dict[str, Stack]) -> Iterator[Stack]:
    """The deployed stack, with empty secrets as the template makes them."""
    with mock_aws():
        session.client("cloudformation").create_stack(StackName=STACK, TemplateBody=template())
        secrets = session.client("secretsmanager")
        for source in SOURCE_PACKAGES:
            secrets.create_secret(Name=f"{STACK}/{source}/main", SecretString='{"signing_secrets": []}')
        keys = {"rest_api_key": "", "project_key": "", "app_keys": []}
        secrets.create_secret(Name=f"{STACK}/batch/default", SecretString=json.dumps(keys))
        secrets.create_secret(Name=f"{STACK}-other/shopify/main", SecretString="{}")
        opened[STACK] = deployed_stack(STACK, lambda: session)
        yield opened[STACK]


def previewed(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """What deliver says of an envelope that it would send to Batch."""
    call = {"identifiers": {"custom_id": "ada"}, "attributes": {"now": envelope["id"]}}
    return {"id": envelope["id"], "call": call, "outcome": "delivered", "reason": "", "warnings": []}


@pytest.fixture
def queue(stack: Stack, session: boto3.Session) -> WebhookQueue:
    """The stack's queues; its retry function runs in this process."""
    sqs = session.client("sqs")
    ask_parked_at_once(sqs)
    url, dead_letter_url = [
        sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        for name in ("webhooks", "dead-letters")
    ]
    queue = WebhookQueue(url, dead_letter_url, client=sqs)

    def invoke(function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        if function == "Deliver":
            return {"webhooks": [previewed(envelope) for envelope in event["preview"]]}
        place = DeadLetters(queue)
        return retry_round(place, Filter.of(event["filter"]), order_of(event), lambda: True).as_json()

    stack.invoke = invoke
    return queue


class Terminal(CliRunner):
    """Run a command where a person types, and may be asked."""

    @contextmanager
    def isolation(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        """Say of what is typed that it comes from a terminal."""
        with super().isolation(*arguments, **options) as streams:
            vars(sys.stdin)["isatty"] = lambda: True
            yield streams


@pytest.fixture
def bridge(opened: dict[str, Stack]) -> Bridge:
    """`bridge("receipt", "#1001", "--stack", STACK)`, as a person types it."""

    def open_known(name: str | None) -> Stack:
        return opened[name] if name in opened else open_stack(name)

    def run(*arguments: str, typed: str = "", at_terminal: bool = False) -> Result:
        runner = Terminal() if at_terminal else CliRunner()
        return runner.invoke(app, list(arguments), input=typed, obj=open_known, env={"COLUMNS": "120"})

    return run


@dataclass
class LoopbackServer:
    """Keeps what it is posted, and answers with `answers`, the last one again and again."""

    url: str
    answers: list[tuple[int, str]]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): text for name, text in self.headers.items()}
            found.requests.append((self.path, headers, body))
            status, text = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        found = LoopbackServer(f"http://127.0.0.1:{http.server_port}", [(200, '{"status": "accepted"}')])
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield found
        http.shutdown()
        thread.join()


@pytest.fixture
def remember(stack: Stack) -> Callable[..., Receipt]:
    """Writes a receipt to the ledger, with links from its references to its profile."""

    def write(webhook_id: str, **fields: Any) -> Receipt:
        receipt = Receipt(
            **{
                "id": webhook_id,
                "source": "shopify",
                "connection": "main",
                "topic": "orders/paid",
                "status": "delivered",
                "received_at": "2026-09-10T12:00:00Z",
                "finished_at": "2026-09-10T12:00:01Z",
                "project": "default",
                "custom_id": "ada",
                **fields,
            }
        )
        links = [link_row(receipt.project, reference, receipt.custom_id) for reference in receipt.references]
        stack.ledger.commit([receipt_row(receipt), *links])
        return receipt

    return write
