"""The frame in which every source receives: exact bytes, verify, summarise, queue, answer.

Says 200 only once the webhook is stored. Never maps, never calls Batch, never tells a sender why it was refused.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bridge.budget import Budget
from bridge.errors import (
    BodyTooLarge,
    BridgeError,
    Ignored,
    InvalidSignature,
    MalformedBody,
    Refused,
    Unavailable,
    UnknownConnection,
)
from bridge.observability import count, logger
from bridge.receiving import claims
from bridge.receiving.connection_list import ConnectionList
from bridge.receiving.consent_links import CONFIRMED, webhook_key
from bridge.receiving.signatures import NO_HEADER, OLDER_SCHEME
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import MAX_BODY_BYTES, Request, Source, Webhook, group_id, webhook_id

if TYPE_CHECKING:
    from bridge.receiving.consent_receiver import Link

CONNECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
BROWSER_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})

DIAGNOSES = 3
"""Of why a signature does not fit, of a connection in a minute: people need one, and strangers bring them about."""
DIAGNOSES_IN_ALL = 20
DIAGNOSED_SECONDS = 60
UNREADABLE = (BridgeError, LookupError, TypeError, ValueError, AttributeError)
"""What a body without a claim that can be read raises."""

HttpResponse = dict[str, Any]


class Receiver:
    """A Lambda handler for HTTP API events (payload 2.0) of the given sources.

    `clock` returns Unix seconds. Raises nothing: every outcome is an answer of the HTTP contract.
    """

    def __init__(
        self,
        *sources: Source,
        secrets: Secrets,
        queue: WebhookQueue,
        connections: Connections,
        parameters: Parameters,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sources = {source.name: source for source in sources}
        self.secrets = secrets
        self.queue = queue
        self.connections = connections
        self.parameters = parameters
        self.clock = clock
        self.listed = ConnectionList(parameters, clock)
        self.diagnoses = Budget(DIAGNOSES, DIAGNOSED_SECONDS, clock)
        self.diagnoses_in_all = Budget(DIAGNOSES_IN_ALL, DIAGNOSED_SECONDS, clock)

    def __call__(self, event: Mapping[str, Any], context: object) -> HttpResponse:
        logger.append_keys(request_id=getattr(context, "aws_request_id", None))
        try:
            return self.receive(event)
        except Ignored as ignored:
            return answer(200, {"status": "ignored", "reason": ignored.reason})
        except Refused as refused:
            logger.warning("webhook refused", error=refused.code, reason=refused.reason)
            count("WebhooksRefused", error=refused.code, reason=refused.reason)
            return answer(refused.status, {"error": refused.code})

    def receive(self, event: Mapping[str, Any]) -> HttpResponse:
        """Take one request in. Raises Refused and Ignored."""
        if "token" in (event.get("pathParameters") or {}):
            return self.confirm(event)
        request = self.request(event)
        source = self.sources.get(request.source)
        if source is None or not CONNECTION_NAME.fullmatch(request.connection):
            raise UnknownConnection("no such source or connection")
        secrets = self.signing_secrets(source, request)
        if source.uses_settings:
            request = replace(request, settings=self.settings(source, request))
        if method(event) == "GET":
            return self.verification_response(source, request) or answer(
                404, {"error": UnknownConnection.code}
            )
        self.answer_challenge(source, request)
        self.verify(source, request, secrets)
        if greeting := self.verification_response(source, request):
            return greeting
        webhook = self.accept(source, request)
        return self.redirect(source, request) or answer(200, {"status": "accepted", "id": webhook.id})

    def confirm(self, event: Mapping[str, Any]) -> HttpResponse:
        """Answer a link by which a person confirms a consent, with a page."""
        from bridge.receiving.consent_receiver import Link, answered  # no webhook needs it

        path, headers = event["pathParameters"], event.get("headers") or {}
        languages = next((text for name, text in headers.items() if name.lower() == "accept-language"), "")
        source = path.get("source", next(iter(self.sources)))
        link = Link(source, path.get("connection", ""), path["token"], languages)
        return answered(link, method(event), lambda: self.confirm_secret(link), self.queue, self.clock())

    def confirm_secret(self, link: Link) -> str:
        """Return what signs the links of a connection. Raises UnknownConnection, Unavailable."""
        if link.source not in self.sources or not CONNECTION_NAME.fullmatch(link.connection):
            raise UnknownConnection("no such source or connection")
        self.admit(link.source, link.connection)
        return self.secrets.confirm_secret(link.source, link.connection)

    def confirm_key(self, source: str, connection: str, webhook: str) -> str:
        """Return what signs links for one webhook; empty where its connection has no secret for them."""
        secret = self.secrets.confirm_secret(source, connection)
        return webhook_key(secret, source, connection, webhook) if secret else ""

    def request(self, event: Mapping[str, Any]) -> Request:
        """Return the request with its exact bytes. Raises BodyTooLarge, MalformedBody."""
        path = event.get("pathParameters") or {}
        default_source = next(iter(self.sources))
        return Request(
            source=path.get("source", default_source),
            connection=path.get("connection", ""),
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            query=event.get("queryStringParameters") or {},
            body=exact_bytes(event),
            url=public_url(event),
        )

    def signing_secrets(self, source: Source, request: Request) -> tuple[str, ...]:
        """Return the connection's secrets, before anything else is read for it. Raises UnknownConnection,
        Unavailable."""
        self.admit(source.name, request.connection)
        return self.secrets.signing_secrets(source.name, request.connection)

    def admit(self, source: str, connection: str) -> None:
        """Let in names that somebody has connected; no other costs a look-up. Raises UnknownConnection, Unavailable."""
        if not self.secrets.knows(source, connection) and not self.listed.admits(source, connection):
            raise UnknownConnection("not on the list of connections")

    def settings(self, source: Source, request: Request) -> Mapping[str, Any]:
        """Return the connection's settings as stored. Raises UnknownConnection where there are none, Unavailable."""
        settings = self.parameters.read(source.name, request.connection)
        if not settings:
            raise UnknownConnection("no settings of this connection")
        return settings

    def verification_response(self, source: Source, request: Request) -> HttpResponse | None:
        """Return the answer to a tool that asks whether it has the right address; as plain text, never as a page."""
        text = source.verification_response(request) if source.verification_response else None
        if text is None:
            return None
        headers = {"content-type": "text/plain", "x-content-type-options": "nosniff"}
        return {"statusCode": 200, "headers": headers, "body": text}

    def answer_challenge(self, source: Source, request: Request) -> None:
        """Answer a provider's unsigned first call, which says nothing; none of it is kept. Raises Ignored."""
        reason = source.handshake(request) if source.handshake else None
        if reason is not None:
            ignored = Ignored(reason)
            tell_ignored(source, ignored)
            raise ignored

    def verify(self, source: Source, request: Request, secrets: Sequence[str]) -> None:
        """Prove the request with the connection's secrets. Raises Refused; an InvalidSignature with its cause."""
        try:
            position, known = self.proof(source, request, secrets)
            self.check_scheme(source, request)
        except InvalidSignature as error:
            cause = self.cause(source, request, error.reason)
            if cause != NO_HEADER or source.is_from_tool(request):
                self.connections.refused(source.name, request.connection, cause)
            raise InvalidSignature(cause) from error
        if known > 1:
            self.connections.proved(source.name, request.connection, newest=position == 0)
        if position:
            count("OlderSecretUsed", source=source.name)

    def proof(self, source: Source, request: Request, secrets: Sequence[str]) -> tuple[int, int]:
        """Return which secret proves the request, of how many; read anew once if none does. Raises Refused."""
        try:
            return source.verify(request, secrets, self.clock()), len(secrets)
        except InvalidSignature:
            fresh = self.secrets.refreshed_signing_secrets(source.name, request.connection)
            if fresh is None or fresh == secrets:
                raise
            return source.verify(request, fresh, self.clock()), len(fresh)

    def check_scheme(self, source: Source, request: Request) -> None:
        """Raises InvalidSignature for a scheme that the tool has left: anyone may send again what it signed."""
        if source.is_older_scheme is None:
            return
        if not source.is_older_scheme(request):
            self.connections.used_newer_scheme(source.name, request.connection)
        elif not self.connections.takes_older_scheme(source.name, request.connection):
            raise InvalidSignature(OLDER_SCHEME)

    def cause(self, source: Source, request: Request, reason: str) -> str:
        """Return why the request is not proven, for people; the sender is never told."""
        from bridge.receiving.signature_diagnosis import SETTLED, Evidence, diagnose, undiagnosed

        if reason in SETTLED:
            return reason
        name = f"{source.name}/{request.connection}"
        if not (self.diagnoses.takes(name) and self.diagnoses_in_all.takes()):
            return undiagnosed(reason)
        evidence = Evidence(
            self.secrets.signing_secrets(source.name, request.connection),
            self.secrets.previous_signing_secrets(source.name, request.connection),
            self.secrets.sibling_secrets(source.name, request.connection),
        )
        return diagnose(source, request, evidence, reason, self.clock())

    def accept(self, source: Source, request: Request) -> Webhook:
        """Queue an authentic webhook. Raises Ignored, MalformedBody, Unavailable."""
        try:
            summary = source.routing_of(request)
            if summary.topic == CONFIRMED or not (summary.topic in source.topics or source.uses_settings):
                raise Ignored("topic not mapped")
        except RecursionError as error:
            raise MalformedBody("JSON is nested too deep") from error
        except Ignored as ignored:
            tell_ignored(source, ignored)
            raise
        kept = {name: request.headers[name] for name in source.kept_headers if name in request.headers}
        period = int(self.clock() // source.repeat_seconds) if source.repeat_seconds else None
        identifier = webhook_id(source.name, request.connection, summary, request.body, period)
        webhook = Webhook(
            id=identifier,
            source=source.name,
            connection=request.connection,
            topic=summary.topic,
            headers=kept | self.proven_claims(source, request),
            body=request.body,
            received_at=datetime.fromtimestamp(self.clock(), UTC),
            group=group_id(source.name, request.connection, summary.customer),
            confirm_key=self.confirm_key(source.name, request.connection, identifier),
        )
        self.queue.send(webhook)
        logger.info("webhook queued", webhook_id=webhook.id, source=source.name, topic=webhook.topic)
        count("WebhooksAccepted", source=source.name)
        return webhook

    def proven_claims(self, source: Source, request: Request) -> dict[str, str]:
        """Return the header that names the user ids of the body that the owner's server has signed. Raises
        Unavailable."""
        secret = self.secrets.identity_secret(source.name, request.connection) if source.claims else None
        if secret is None or source.claims is None:
            return {}
        try:
            return claims.mark(secret, source.name, request.connection, source.claims(request))
        except UNREADABLE:  # delivery says what is wrong with it
            return {}

    def redirect(self, source: Source, request: Request) -> HttpResponse | None:
        """Return where a person's browser goes after a form that it posted itself, if the connection says so."""
        if not source.redirects or request.content_type not in BROWSER_FORMS:
            return None
        try:
            page = self.parameters.read(source.name, request.connection).get("thank_you_url")
        except Unavailable:  # what was posted is stored: no reason to send it again
            return None
        return {"statusCode": 303, "headers": {"location": page}, "body": ""} if page else None


def method(event: Mapping[str, Any]) -> str:
    """Return the HTTP method; POST where the event does not tell."""
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, Mapping) else None
    return str(http.get("method", "POST")) if isinstance(http, Mapping) else "POST"


def tell_ignored(source: Source, ignored: Ignored) -> None:
    """Log and count what is answered 200 and forgotten."""
    logger.info("webhook ignored", source=source.name, reason=ignored.reason)
    count("WebhooksIgnored", source=source.name)


def public_url(event: Mapping[str, Any]) -> str:
    """Return the address as the sender called it, which some providers sign."""
    query = event.get("rawQueryString")
    context = event.get("requestContext")
    domain = context.get("domainName", "") if isinstance(context, Mapping) else ""
    address = f"https://{domain}{event.get('rawPath', '')}"
    return f"{address}?{query}" if query else address


def exact_bytes(event: Mapping[str, Any]) -> bytes:
    """Return the body as the sender sent it: API Gateway hands some media types over in base64."""
    text = event.get("body") or ""
    try:
        body: bytes = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except ValueError as error:
        raise MalformedBody("body is not what its encoding says") from error
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge("body is over 6 MB")
    return body


def answer(status: int, body: Mapping[str, str]) -> HttpResponse:
    """Return an HTTP API response with a JSON body."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }


def receiver(*sources: Source) -> Receiver:
    """Return the handler of a function that receives, with clients made once, while Lambda starts it."""
    stack = os.environ["STACK_NAME"]
    return Receiver(
        *sources,
        secrets=Secrets(stack),
        queue=WebhookQueue(os.environ["QUEUE_URL"], bucket=os.environ["BODIES_BUCKET"]),
        connections=Connections(os.environ["TABLE_NAME"]),
        parameters=Parameters(stack, attempts=1),
    )
