"""Answer the links by which people confirm a consent: a GET with a question, the POST of its button with a webhook.

A GET changes nothing: scanners of mails open links. A HEAD gets the answer of a GET, without the page. What a link says
is believed once its signature fits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import ExpiredLink, Refused, Unavailable
from bridge.observability import logger
from bridge.receiving import consent_links, consent_page
from bridge.receiving.consent_page import ASK, DONE, EXPIRED, INVALID, UNAVAILABLE
from bridge.storage.queue import WebhookQueue
from bridge.webhook import Webhook

HttpResponse = dict[str, object]


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it was opened; `languages` is what the browser prefers."""

    source: str
    connection: str
    token: str
    languages: str = ""


def answered(
    link: Link, method: str, secret: Callable[[], str], queue: WebhookQueue, now: float
) -> HttpResponse:
    """Return the page for a link, without its body for HEAD. Raises nothing: each refusal has a page of its own.

    `secret` reads the connection's secret for links, or raises Refused.
    """
    page = page_of(link, method, secret, queue, now)
    return {**page, "body": ""} if method == "HEAD" else page


def page_of(
    link: Link, method: str, secret: Callable[[], str], queue: WebhookQueue, now: float
) -> HttpResponse:
    """Return the page for a link; a POST alone queues what it confirms."""
    try:
        confirmation = consent_links.read(link.token, secret(), link.source, link.connection, now)
        if method != "POST":
            return consent_page.response(200, ASK, link.languages, confirmation.channel, confirmation.brand)
        confirm(consent_links.confirmed(confirmation, link.source, link.connection, now), queue)
    except Refused as refused:
        logger.info("link refused", error=refused.code, source=link.source)
        return refusal(refused, link.languages)
    return consent_page.response(200, DONE, link.languages, brand=confirmation.brand)


def confirm(webhook: Webhook, queue: WebhookQueue) -> None:
    """Queue what the button says. Raises Unavailable."""
    queue.send(webhook)
    logger.info("consent confirmed", webhook_id=webhook.id, source=webhook.source)


def refusal(refused: Refused, languages: str) -> HttpResponse:
    """Return the page of a refusal; a connection that does not exist has no links either."""
    if isinstance(refused, Unavailable):
        return consent_page.response(refused.status, UNAVAILABLE, languages)
    if isinstance(refused, ExpiredLink):
        return consent_page.response(refused.status, EXPIRED, languages)
    return consent_page.response(404, INVALID, languages)
