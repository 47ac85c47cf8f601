"""A shop and a Stripe account that may lose webhooks, beside a stack that delivers what comes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.providers.client import ProviderClient
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Webhook, group_id, webhook_id
from functions.gaps.comparison import Comparison, Report, Tools
from functions.sources.registry import source_module
from local.provider_stub import SHOPIFY_TOKEN, STRIPE_KEY, Provider
from tests.world import World, aws, world

__all__ = ["Town", "aws", "town", "world"]

KEYS = {"shopify": SHOPIFY_TOKEN, "stripe": STRIPE_KEY}
SHOP = {"shop_domain": "ada.myshopify.com"}
HOUR, DAY = 3600, 86_400


def sample(path: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Path(f"events/{path}.json").read_text())["body"]
    return body


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@dataclass
class Town:
    """The stack, and the providers that it listens to."""

    world: World
    provider: Provider
    settings: dict[str, dict[str, Any]] = field(default_factory=lambda: {"shopify": SHOP, "stripe": {}})
    keys: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    has_time: Callable[[], bool] = lambda: True
    most_fed: int = 1000
    slept: list[float] = field(default_factory=list)
    runs: int = 0

    # ── What happens at the providers ───────────────────────────────────────────────────────────────────

    def order(self, number: int, *, customer: int = 1, **changes: Any) -> dict[str, Any]:
        """An order as it is now; the shop's list mentions it from now on."""
        kept = self.provider.orders.get(number) or {
            **sample("shopify/orders.create"),
            "id": number,
            "name": f"#{number}",
            "checkout_token": f"token-{number}",
            "created_at": iso(self.world.now),
            "processed_at": iso(self.world.now),
            "fulfillments": [],
        }
        owner = {"id": customer, "email": f"person{customer}@example.com", "updated_at": iso(self.world.now)}
        changed = {**kept, "customer": owner, "email": owner["email"], "updated_at": iso(self.world.now)}
        self.provider.tell("shopify", {**changed, **changes})
        return self.provider.orders[number]

    def event(self, number: int, topic: str = "customer.created", **changes: Any) -> dict[str, Any]:
        """An event of Stripe, of now."""
        body = {**sample(f"stripe/{topic}"), "id": f"evt_{number:06}", "created": int(self.world.now)}
        self.provider.tell("stripe", {**body, "livemode": True, **changes})
        return self.provider.events[f"evt_{number:06}"]

    def later(self, seconds: float = 2 * HOUR) -> None:
        self.world.now += seconds

    # ── What arrives ────────────────────────────────────────────────────────────────────────────────────

    def webhook(self, source: str, topic: str, content: Mapping[str, Any]) -> Webhook:
        """The webhook that the provider sends of this, written in its own way."""
        body = json.dumps(content, indent=1).encode()
        headers = {"x-shopify-topic": topic}
        summary = (
            source_module(source, "receiver")
            .SOURCES[0]
            .routing_of(Request(source, "main", headers, {}, body))
        )
        return Webhook(
            id=webhook_id(source, "main", summary, body),
            source=source,
            connection="main",
            topic=topic,
            headers={},
            body=body,
            received_at=datetime.fromtimestamp(self.world.now, UTC),
            group=group_id(source, "main", summary.customer),
        )

    def arrive(self, source: str, topic: str, content: Mapping[str, Any]) -> Webhook:
        """A webhook that comes, and is delivered."""
        came = self.webhook(source, topic, content)
        self.world.deliver(came)
        return came

    # ── What the stack does ─────────────────────────────────────────────────────────────────────────────

    def compare(self, source: str, *, since: float | None = None, dry_run: bool = False) -> Report:
        self.runs += 1
        return Comparison(
            source=source_module(source, "receiver").SOURCES[0],
            listing=source_module(source, "event_list"),
            connection="main",
            settings=ConnectionSettings.model_validate(self.settings[source]),
            api_key=self.keys[source],
            tools=self.tools(),
            since=None if since is None else int(since),
            dry_run=dry_run,
        ).run()

    def tools(self) -> Tools:
        return Tools(
            ledger=self.world.ledger,
            queue=self.world.queue,
            provider=ProviderClient(httpx.MockTransport(self.answer)),
            clock=lambda: self.world.now,
            sleep=self.sleep,
            has_time=self.has_time,
            owner=f"run-{self.runs}",
            turn_seconds=120,
            most_fed=self.most_fed,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.world.now += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        url, body = request.url, request.content.decode()
        reply = self.provider.answer(
            request.method, url.host, url.path, url.query.decode(), request.headers, body
        )
        return httpx.Response(reply.status, json=reply.content, headers=dict(reply.headers))

    def queued(self) -> list[Webhook]:
        """What is on the queue, which it leaves."""
        return [self.world.queue.webhook(message["Body"]) for message in self.taken()]

    def taken(self) -> list[dict[str, Any]]:
        client, url = self.world.queue.client, self.world.queue.url
        found: list[dict[str, Any]] = []
        while messages := client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    def deliver_queue(self) -> int:
        """Deliver all that is on the queue; returns how many these were."""
        webhooks = self.queued()
        for webhook in webhooks:
            assert self.world.deliver(webhook) == []
        return len(webhooks)

    @property
    def had(self) -> Counter[tuple[str, str]]:
        """How often Batch got each event of each order or customer: `("order_paid", "#1001")`."""
        return Counter(
            (event["name"], str(event["attributes"].get("$label", operation["identifiers"]["custom_id"])))
            for operation in self.world.operations
            for event in operation.get("events", [])
        )


@pytest.fixture
def town(world: World) -> Town:
    return Town(world, Provider(lambda: world.now))
