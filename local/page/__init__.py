"""The page of the local stack: connections, samples to send, profiles as they change, receipts, failures.

Served whole from this folder: no build, nothing fetched from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from functions.sources.manifest import manifest
from local.connections import Connection
from local.samples import Sample, samples_of

if TYPE_CHECKING:
    from local.application import Application

HERE = Path(__file__).parent

# failure class        what a person does about it
REMEDIES = {
    "mapping_failed": "The mapping cannot read the webhook. Fix the mapping or the settings, then retry.",
    "rejected_by_batch": "Batch rejected the profile or a part of it. Fix what the reason names, then retry.",
    "bad_credentials": "Batch rejected the keys, or none are stored. Store the right ones, then retry.",
    "batch_unavailable": "Batch was unavailable. Nothing to fix: retry when it is available again.",
    "identity_unknown": "No webhook identified the customer. Make the tool send the customer, then retry.",
    "topic_unconfirmed": "The signed body does not fit the topic in the header. Retry only if you know why.",
    "wrong_sender": "A function queued it for another function's source. Check that function; nothing retries it.",
}


@dataclass(frozen=True, slots=True)
class Button:
    """A sample, and the variants of it that hide in a menu."""

    sample: Sample
    variants: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A source on the page."""

    connection: Connection
    name: str
    buttons: tuple[Button, ...]

    @property
    def count(self) -> str:
        """Return how many samples there are, in words."""
        count = sum(1 + len(button.variants) for button in self.buttons)
        return "1 sample" if count == 1 else f"{count} samples"


def routes(application: Application) -> list[Route | Mount]:
    """Return the page at `/`, and its style and script."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("page.html")

    async def show(_request: Request) -> Response:
        cards = [card(connection) for connection in application.connections]
        content = page.render(cards=cards, remedies=REMEDIES, batch_url=application.batch_url)
        return HTMLResponse(content, headers={"content-security-policy": "default-src 'self'"})

    return [Route("/", show), Mount("/_local/page", StaticFiles(directory=HERE / "static"))]


def card(connection: Connection) -> Card:
    """Return a source with its samples."""
    return Card(connection, manifest(connection.source).name, tuple(grouped(samples_of(connection.source))))


def grouped(samples: Iterable[Sample]) -> list[Button]:
    """Return one button for each topic, the plain sample first."""
    by_topic: dict[str, list[Sample]] = {}
    for sample in samples:
        by_topic.setdefault(sample.stem, []).append(sample)
    return [Button(several[0], tuple(several[1:])) for several in by_topic.values()]
