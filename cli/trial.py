"""Take a sample through its source's receiver and mapping as a stack would, without one. Sends and stores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NoReturn

from bridge.errors import Ignored, TopicUnconfirmed
from bridge.profiles.profile_change import ProfileChange
from bridge.settings import ConnectionSettings
from bridge.webhook import Request, Routing, Source, Webhook, group_id, webhook_id
from cli.sample import Sample
from functions.deliver.overrides import overridden
from functions.sources.registry import SETTINGS, source_module

SECRET = "preview"
NOW = 0.0
THIN = "it is a thin event: deliver fetches the object from the tool's API, so it cannot be previewed"


@dataclass(frozen=True)
class Trial:
    """A sample for a connection with these settings; `stored` is how they are in the stack."""

    sample: Sample
    connection: str
    stored: Mapping[str, Any]
    settings: ConnectionSettings
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def source(self) -> Source:
        sources: tuple[Source, ...] = source_module(self.sample.source, "receiver").SOURCES
        return next(one for one in sources if one.name == self.sample.source)

    def request(self, body: bytes, content_type: str) -> Request:
        """Return the request that brings a body, signed as the provider signs."""
        sample = self.sample
        known = {"settings": self.stored} if sample.source in SETTINGS and self.stored else {}
        headers, query = source_module(sample.source, "signing").sign(
            sample.source, sample.topic, body, SECRET, NOW, **known
        )
        sent = {"content-type": content_type, **sample.headers, **headers}
        lowered = {name.lower(): text for name, text in sent.items()}
        return Request(sample.source, self.connection, lowered, query, body, settings=self.stored)

    def is_proven(self, request: Request) -> bool:
        """Return whether the request is taken for its source's. Raises InvalidSignature."""
        return self.source.verify(request, [SECRET], NOW) == 0

    def summary(self, request: Request) -> Routing:
        """Return what the endpoint reads of it. Raises Ignored, Refused."""
        source = self.source
        reason = source.handshake(request) if source.handshake else None
        if reason is not None:
            raise Ignored(reason)
        summary = source.routing_of(request)
        if summary.topic not in source.topics and not source.uses_settings:
            raise Ignored("topic not mapped")
        return summary

    def webhook(self, request: Request, summary: Routing) -> Webhook:
        """Return the webhook as the endpoint would queue it."""
        source = self.source
        return Webhook(
            id=webhook_id(source.name, self.connection, summary, request.body),
            source=source.name,
            connection=self.connection,
            topic=summary.topic,
            headers={name: request.headers[name] for name in source.kept_headers if name in request.headers},
            body=request.body,
            received_at=self.received_at,
            group=group_id(source.name, self.connection, summary.customer),
        )

    def change(self, webhook: Webhook) -> ProfileChange:
        """Return what the mapping makes of it, as the settings want it.

        Raises TopicUnconfirmed where the body does not allow the topic, and whatever a mapping raises.
        """
        mapping = source_module(webhook.source, "mapping")
        verdict = (
            mapping.TOPIC_CHECK.judge(webhook, self.settings) if hasattr(mapping, "TOPIC_CHECK") else None
        )
        if verdict and verdict.doubt:
            raise TopicUnconfirmed(verdict.doubt)
        whole = mapping.whole(webhook, ask_nobody) if hasattr(mapping, "whole") else webhook
        change: ProfileChange = mapping.to_change(whole, self.settings)
        return overridden(change, self.settings, webhook)


def ask_nobody(url: str, headers: Mapping[str, str]) -> NoReturn:
    """Refuse, in place of the tool's API."""
    del url, headers
    raise Ignored(THIN)
