"""What nobody expects: real webhooks with a few things changed, and requests as a stranger might write them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from functions.sources.registry import SOURCE_PACKAGES
from tests.sources.test_every_source import EXAMPLES, Example

SAMPLES = Path("../shared/samples")
MAX_CHANGES = 4

# ── Values ──────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        *("", " ", "\x00", "\ud800", "\u2028", "ß" * 300, "a" * 5000, "{" * 300, "[", "%", "=", "*|X|*"),
        *(
            "0",
            "-1",
            "1e999999999",
            "-1e999999999",
            "1E400",
            "9" * 4299,
            "NaN",
            "Infinity",
            "٣",
            "1_000",
            "0x1F",
        ),
        *("2026-09-10T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-00-00"),
        *("2026-02-30", "1789041600", "99999999999999999", "-62135596801", "20260910", "12.9.2026", "24:61"),
        *(
            "ada@example.com",
            "@",
            "a@b.c",
            "ADA@EXAMPLE.COM ",
            "+33612345678",
            "+",
            "00",
            "EUR",
            "eur",
            "JPY",
        ),
        *("http://", "https://[::1", "https://example.com/a?b=c", "gid://shopify/Customer/1", "true", "null"),
    ]
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [0, -1, 2**31, 2**63, -(2**63), 10**18, 10**400, 1e308, 5e-324, 253402300800, -62135596801]
    )
)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = LEAVES | st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


# ── Webhooks ────────────────────────────────────────────────────────────────────────────────────────────


@cache
def examples_of(source: str) -> tuple[Example, ...]:
    """The examples of a source, and the samples of others where they are JSON and lie beside the project."""
    own = [Example.read(path) for path in EXAMPLES if path.parent.name == source]
    first = own[0]
    topics = sorted({example.topic for example in own})
    for number, path in enumerate(sorted(SAMPLES.glob(f"{source}/**/*.json"))):
        topic = next(
            (topic for topic in topics if topic.replace("/", "_") in path.stem), topics[number % len(topics)]
        )
        headers = {"content-type": "application/json"}
        own.append(Example(source, topic, headers, path.read_bytes(), settings=first.settings))
    return tuple(own)


@st.composite
def webhooks(draw: st.DrawFn, source: str) -> Example:
    """A webhook of a source with a few things changed, or with a body that is nothing."""
    example = draw(st.sampled_from(examples_of(source)))
    topic = draw(st.sampled_from(sorted({one.topic for one in examples_of(source)}) + [example.topic] * 8))
    body = draw(bodies(example.body))
    return Example(source, topic, example.headers, body, settings=example.settings)


@st.composite
def bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """The body changed in its meaning where it is JSON, else in its bytes."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return draw(changed_bytes(body))
    if draw(st.integers(0, 9)) == 0:
        return draw(changed_bytes(body))
    return json.dumps(draw(changed(parsed)), ensure_ascii=draw(st.booleans())).encode(
        "utf-8", "surrogatepass"
    )


@st.composite
def changed_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    """The bytes with some cut out or put in."""
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 40)))
    return body[:start] + draw(st.binary(max_size=30)) + body[end:]


@st.composite
def changed(draw: st.DrawFn, content: Any) -> Any:
    """JSON with some of its values replaced, taken out, or put into a list."""
    copy = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(0, MAX_CHANGES))):
        if not isinstance(copy, dict | list) or not copy:
            return draw(VALUES)
        change_one(draw, copy)
    return copy


def change_one(draw: st.DrawFn, content: Any) -> None:
    """Walk down to some value, and change it in place."""
    while True:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = draw(st.sampled_from(keys))
        inner = content[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 4)) == 0:
            break
        content = inner
    change = draw(st.sampled_from(["replace", "replace", "replace", "remove", "wrap", "text"]))
    if change == "replace":
        content[key] = draw(VALUES)
    elif change == "remove":
        del content[key]
    elif change == "wrap":
        content[key] = [inner]
    else:
        content[key] = str(inner)


# ── Requests ────────────────────────────────────────────────────────────────────────────────────────────

HEADER_NAMES = sorted(
    {
        *("content-type", "authorization", "x-shopify-hmac-sha256", "x-shopify-topic", "shopify-hmac-sha256"),
        *("stripe-signature", "x-wc-webhook-signature", "x-wc-webhook-topic", "typeform-signature"),
        *("tally-signature", "x-webflow-signature", "x-webflow-timestamp", "x-hubspot-signature"),
        *("x-hubspot-signature-v3", "x-hubspot-request-timestamp", "x-webhook-signature", "x-signature"),
        *("x-hub-signature-256", "webhook-id", "webhook-timestamp", "webhook-signature", "svix-signature"),
        *(
            "x-wpforms-webhook-signature",
            "x-bridge-signature",
            "x-bridge-timestamp",
            "x-timestamp",
            "referer",
            "origin",
        ),
    }
)
HEADER_VALUES = (
    TEXTS
    | st.binary(min_size=32, max_size=32).map(bytes.hex)
    | st.sampled_from(
        [
            *(
                "t=1789041600,v1=" + "0" * 64,
                "t=1789041600,v=" + "0" * 64,
                "t=,v1=",
                "t=1,t=2,v1=0",
                "sha256=",
            ),
            *(
                "sha256=" + "0" * 64,
                "v1,AAAA v1,",
                "eyJhbGciOiJub25lIn0.e30.",
                "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
            ),
            *("Basic Og==", "Bearer ", "1789041600", "1789041600000", "application/x-www-form-urlencoded"),
            *("multipart/form-data", "multipart/form-data; boundary=b", "application/json; charset=latin1"),
        ]
    )
)
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES) | TEXTS, HEADER_VALUES, max_size=5)
QUERIES = st.dictionaries(
    st.sampled_from(["token", "hub.challenge", "hub.verify_token"]) | TEXTS, TEXTS, max_size=3
)
CONNECTIONS = st.sampled_from(["main", "main", "other", "", "../batch/default", "MAIN", "a" * 64]) | TEXTS
SOURCES = st.sampled_from([*SOURCE_PACKAGES])


@st.composite
def events(draw: st.DrawFn, source: str) -> dict[str, Any]:
    """A request that nobody signed, as API Gateway hands it over: any of its parts may be missing."""
    body = draw(st.sampled_from(examples_of(source)).map(lambda one: one.body.decode()) | TEXTS)
    whole: dict[str, Any] = {
        "version": "2.0",
        "rawPath": f"/{source}/main",
        "rawQueryString": draw(TEXTS),
        "requestContext": draw(
            st.sampled_from([{"domainName": "abc.example.com", "http": {"method": "POST"}}, {}, None])
        ),
        "pathParameters": {"source": source, "connection": draw(CONNECTIONS)},
        "headers": draw(HEADERS),
        "queryStringParameters": draw(QUERIES),
        "body": body,
        "isBase64Encoded": draw(st.booleans()),
    }
    missing = draw(st.sets(st.sampled_from(sorted(set(whole) - {"pathParameters"})), max_size=2))
    return {name: value for name, value in whole.items() if name not in missing}
