"""Read a sample webhook from a file, and sign it as its provider does. Sends nothing.

Three kinds of files are understood:

- an envelope of `events/`: `{"topic", "headers", "content_type", "body" or "body_raw"}`
- one of another collection, which also says `source`, and has placeholders such as `<signature>` in its headers
- a bare JSON body; its source is the folder's name, its topic the file's: `shopify/orders.paid.json`
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cli.errors import CommandFailed
from functions.sources.registry import SOURCE_PACKAGES
from functions.sources.registry import signed as as_provider

JSON = "application/json"
EXPECTATION = ".batch.json"
PLACEHOLDER = re.compile(r"<[^>]*>")
OF_ONE_CONNECTION = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"),
        "x-shopify-shop-domain",
    }
)
"""Headers of the request that was once captured; the new request has its own."""

# source   what is in its topics where a file's name has a dot
SEPARATORS = {"shopify": "/"}


class NotASample(CommandFailed):
    """The file cannot be sent as a webhook."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A webhook before it is signed: header names in lower case, the body as it will be sent.

    `settings` say how a tool signs whose way to sign is a setting of its connection.
    """

    source: str
    topic: str
    headers: Mapping[str, str]
    content_type: str
    body: bytes
    settings: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, path: Path, source: str | None = None, topic: str | None = None) -> Sample:
        """Return the sample in a file; `source` and `topic` outrank what the file says. Raises NotASample."""
        if path.name.endswith(EXPECTATION):
            raise NotASample(f"{path.name} is what Batch gets, not a webhook; send the file beside it")
        content, exact = read(path)
        envelope = content if is_envelope(content) else {}
        source = source or envelope.get("source") or path.parent.resolve().name
        if source not in SOURCE_PACKAGES:
            raise NotASample(
                f"the source of this file is unknown; name one with --source: {', '.join(SOURCE_PACKAGES)}"
            )
        headers = kept_headers(envelope.get("headers"))
        return cls(
            source=source,
            topic=topic or envelope.get("topic") or topic_in_name(source, path),
            headers={name: text for name, text in headers.items() if name not in OF_ONE_CONNECTION},
            content_type=envelope.get("content_type") or headers.get("content-type", JSON),
            body=body_of(envelope) if envelope else exact,
            settings=settings_beside(path, envelope.get("settings")),
        )


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Hold what the provider would post; the address may hold a secret."""

    url: str
    headers: Mapping[str, str]
    body: bytes


def signed(sample: Sample, url: str, secret: str, now: float) -> SignedRequest:
    """Return the sample as its provider would send it to the address at that moment (Unix seconds)."""
    headers, query = as_provider(sample.source, sample.topic, sample.body, secret, now, url, sample.settings)
    signature = {name.lower(): text for name, text in headers.items()}
    return SignedRequest(
        with_query(url, query),
        {**sample.headers, "content-type": sample.content_type, **signature},
        sample.body,
    )


def read(path: Path) -> tuple[Any, bytes]:
    """Return the JSON in a file, and the file's exact bytes. Raises NotASample."""
    try:
        exact = path.read_bytes()
        return json.loads(exact), exact
    except OSError as error:
        raise NotASample(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise NotASample(f"{path} is not JSON") from None


def settings_beside(path: Path, named: object) -> dict[str, Any] | None:
    """Return the settings in the file that a sample names, as seen from the sample's own folder. Raises NotASample."""
    if not isinstance(named, str):
        return None
    settings, _ = read(path.parent / named)
    if not isinstance(settings, dict):
        raise NotASample(f"{named} contains no settings")
    return settings


def is_envelope(content: object) -> bool:
    """Return whether a webhook is described, with a body inside, rather than being a body itself."""
    if not isinstance(content, dict) or not ("body" in content or "body_raw" in content):
        return False
    described = isinstance(content.get("headers"), dict) or isinstance(content.get("content_type"), str)
    return described and all(
        isinstance(content.get(name) or "", str) for name in ("source", "topic", "content_type")
    )


def kept_headers(stored: object) -> dict[str, str]:
    """Return the headers in lower case, without those whose values are placeholders. Raises NotASample."""
    headers = {
        str(name).lower(): str(value)
        for name, value in (stored if isinstance(stored, dict) else {}).items()
        if not PLACEHOLDER.search(str(value))
    }
    for name, text in headers.items():
        if not (name.isascii() and name.isprintable() and text.isascii() and text.isprintable()):
            raise NotASample("a header contains invalid characters")
    return headers


def body_of(envelope: Mapping[str, Any]) -> bytes:
    """Return the body as it is sent: the raw text, or JSON without spaces. Raises NotASample."""
    text = envelope.get("body_raw")
    if not isinstance(text, str):
        text = json.dumps(envelope.get("body"), separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NotASample(
            "the body contains half a character (a lone surrogate), which cannot be sent"
        ) from None


def topic_in_name(source: str, path: Path) -> str:
    """Return `orders.paid__guest.json` → `orders/paid` where the source is Shopify."""
    stem = path.name.removesuffix(".json").partition("__")[0]
    return stem.replace(".", SEPARATORS.get(source, "."))


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Return the address with these parameters, in place of any of the same name."""
    if not query:
        return url
    parts = urlsplit(url)
    others = {name: text for name, text in parse_qsl(parts.query) if name not in query}
    return urlunsplit(parts._replace(query=urlencode(others | dict(query))))
