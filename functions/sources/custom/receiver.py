"""Receive the webhooks of any tool, as the settings of its connection say: prove, name, queue. Maps nothing.

The settings were checked when they were stored, not here: pydantic would cost every cold start. So whatever they
hold, a webhook is accepted only where they could be read as meant.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import Ignored, MalformedBody, Unavailable
from bridge.placeholders import name_in
from bridge.receiving.claims import SIGNATURE
from bridge.receiving.receiver import receiver
from bridge.webhook import Claim, Request, Routing, Source
from functions.sources.custom import verification
from functions.sources.custom.body import document
from functions.sources.custom.expressions import found_text

TOPIC = "webhook"
"""Of a connection whose settings name none."""
MAX_ANSWER_CHARACTERS = 500
MAX_TOPIC_CHARACTERS = 100
"""It becomes a column of the connection's row, a line on the screen, and what a retry filters by."""
UNUSABLE = (LookupError, TypeError, ValueError, AttributeError)
"""What settings raise that are not what they should be."""


def verify(request: Request, secrets: Sequence[str], now: float) -> int:
    """Verify as the setting `verify` says. Raises InvalidSignature, Unavailable where the settings do not say it."""
    try:
        return verification.verify(request.settings["verify"], request, secrets, now)
    except UNUSABLE as error:
        raise Unavailable("the connection's settings do not say how to verify") from error


def routing_of(request: Request) -> Routing:
    """Return topic, person and id as the settings say. Raises Ignored, MalformedBody, Unavailable."""
    content = document(request.headers, request.body)
    try:
        topic = topic_of(request, content)
        check_topic(topic, request.settings)
        identifier = found_text(request.settings.get("id"), content)
        return Routing(topic, customer(request, content), f"{topic}\n{identifier}" if identifier else None)
    except UNUSABLE as error:
        raise Unavailable("the connection's settings cannot be read") from error


def topic_of(request: Request, content: Any) -> str:
    """Return the kind of the webhook, by an expression or a header. Raises MalformedBody where it has none."""
    stated = request.settings.get("topic")
    if stated is None:
        return TOPIC
    if isinstance(stated, Mapping):
        topic = request.headers.get(stated["header"].lower(), "").strip()
    else:
        topic = found_text(stated, content) or ""
    if not topic:
        raise MalformedBody("no topic")
    if len(topic) > MAX_TOPIC_CHARACTERS or not topic.isprintable():
        raise MalformedBody("topic is over 100 characters, or has some that cannot be shown")
    return topic


def check_topic(topic: str, settings: Mapping[str, Any]) -> None:
    """Raises Ignored where no rule of the mapping can be about the topic."""
    rules = settings["mapping"]
    known = {name for rule in rules for name in rule.get("topics") or ()}
    if topic in (settings.get("ignore") or ()) or (
        topic not in known and all(rule.get("topics") for rule in rules)
    ):
        raise Ignored("topic not mapped")


def customer(request: Request, content: Any) -> str:
    """Return whose webhook it is, to keep one person's in order: as `customer` says, else as `person` does."""
    person = request.settings.get("person") or {}
    for expression in (
        request.settings.get("customer"),
        *(person.get(name) for name in ("email", "source_id", "user_id")),
    ):
        if text := name_in(found_text(expression, content)):
            return text.lower()
    return f"webhook:{hashlib.sha256(request.body).hexdigest()}"


def claimed(request: Request) -> list[Claim]:
    """Return the user ids that visitors can set, as the settings find them, with their signatures. Raises
    MalformedBody."""
    settings = request.settings
    try:
        asked = [settings.get("person"), *(rule.get("person") for rule in settings["mapping"])]
        rules = [person for person in asked if person and person.get(SIGNATURE)]
        content = document(request.headers, request.body) if rules else None
        return [
            (found_text(person.get(name), content), found_text(person[SIGNATURE], content))
            for person in rules
            for name in ("claimed_user_id", "user_id")
            if person.get(name)
        ]
    except UNUSABLE as error:
        raise Unavailable("the connection's settings cannot be read") from error


def is_from_tool(request: Request) -> bool:
    """Return whether it has a header that the settings say the tool sends, beside the signature."""
    verify, topic = request.settings.get("verify"), request.settings.get("topic")
    stated = (
        [verify.get(name) for name in ("timestamp_header", "id_header")]
        if isinstance(verify, Mapping)
        else []
    )
    stated += [topic.get("header")] if isinstance(topic, Mapping) else []
    return any(isinstance(name, str) and name.lower() in request.headers for name in stated)


def verification_response(request: Request) -> str | None:
    """Return the answer to a tool that tries the address, as the setting `handshake` says; None to a webhook."""
    handshake = request.settings.get("handshake") or {}
    try:
        if request.body:
            return challenge(handshake.get("body"), request)
        return probed(handshake.get("get"), request)
    except UNUSABLE as error:
        raise Unavailable("the connection's settings cannot be read") from error


def challenge(expression: str | None, request: Request) -> str | None:
    """Return the text in a signed body that the tool wants back (Slack)."""
    if expression is None:
        return None
    text = found_text(expression, document(request.headers, request.body))
    return text if text is None else text[:MAX_ANSWER_CHARACTERS]


def probed(asked: Mapping[str, str] | None, request: Request) -> str | None:
    """Return the answer to a GET: `ok` (Mailchimp), or, with the right token, what the tool wants back (Meta)."""
    if asked is None:
        return None
    if asked.get("answer") is None:
        return "ok"
    given = request.query.get(asked["token_in"], "").encode(errors="surrogatepass")
    if not hmac.compare_digest(given, asked["token"].encode()):
        return None
    return request.query.get(asked["answer"], "")[:MAX_ANSWER_CHARACTERS]


CUSTOM = Source(
    name="custom",
    topics=frozenset(),
    verify=verify,
    routing_of=routing_of,
    is_from_tool=is_from_tool,
    uses_settings=True,
    verification_response=verification_response,
    claims=claimed,
)

SOURCES = (CUSTOM,)

handler = receiver(*SOURCES)
