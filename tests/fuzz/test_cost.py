"""A webhook costs what it weighs: no body, however it is made up, keeps a function busy for long or fills its memory.

Whatever is bounded is bounded as a multiple of what an ordinary body of the same size costs in the same run: a limit of
seconds would say more of the machine than of the code.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import ValidationError

from bridge.errors import BridgeError
from bridge.receiving.receiver import Receiver
from bridge.storage.connections import Connections
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Request
from functions.sources.forms.reading.body import gathered
from functions.sources.registry import SOURCE_PACKAGES, source_module
from tests.core.stand_ins import Calls, Store
from tests.fuzz.hostile import examples_of
from tests.fuzz.test_mappings import can_be_sent, settings_of, webhook_of
from tests.sources.test_every_source import SENT_AT, Example, source_of

BYTES = 80_000
"""Of a hostile body: enough for what is quadratic to cost a hundred times as much as it should."""
MOST_TIMES = 100
"""What a hostile body may cost, in processor time of an ordinary one of the same size: a field is a label to read, and
an ordinary body of this size has few. 1,000 long labels cost 40 times as much; what is quadratic costs hundreds."""
MOST_BYTES_A_BYTE = 150
"""Memory for each byte of a body: an empty object of JSON is 64 for two."""
MULTIPART = "multipart/form-data; boundary=frontier"
URLENCODED = "application/x-www-form-urlencoded"
FORMS = tuple(source for source, place in SOURCE_PACKAGES.items() if place == "functions.sources.forms")
POSTED = ("form", "gravity", "elementor", "wufoo", "jotform")
"""Sources whose bodies may be urlencoded or multipart."""

CHARACTERS = 20_000
PATTERNS = (
    "{",
    "<",
    "[",
    "%",
    " ",
    "\n",
    "a",
    "A",
    "9",
    "a@",
    "@a.",
    "http://a/uploads/",
    "x, ",
    "xxxx",
    "1e",
    "a_",
    "e-",
)


def filled(content: Any, text: str) -> Any:
    """The content with every text replaced, and with names that are as long."""
    if isinstance(content, dict):
        return {name: filled(value, text) for name, value in content.items()} | {text: text}
    if isinstance(content, list):
        return [filled(one, text) for one in content]
    return text if isinstance(content, str) else content


def body_with(example: Example, text: str) -> bytes:
    try:
        return json.dumps(filled(json.loads(example.body), text)).encode()
    except ValueError:
        return urlencode(
            [(name, text) for name, _ in parse_qsl(example.body.decode())] + [(text, text)]
        ).encode()


# ── What a body costs ───────────────────────────────────────────────────────────────────────────────────


def work(example: Example) -> None:
    """The receiver's look at a body, and its mapping with all of Batch's limits."""
    with contextlib.suppress(BridgeError):
        source_of(example.source).routing_of(
            Request(example.source, "main", example.headers, {}, example.body, settings=example.settings)
        )
    with contextlib.suppress(BridgeError, ValidationError):
        change = source_module(example.source, "mapping").to_change(webhook_of(example), settings_of(example))
        can_be_sent(change)


def seconds(task: Callable[[], object], enough: float = 0.0) -> float:
    """The processor time of a task; of three, the shortest, as others share the processor. `enough` needs one."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        task()
        taken.append(time.process_time() - started)
        if taken[-1] <= enough:
            break
    return max(min(taken), 0.001)


def peak_bytes(task: Callable[[], object]) -> int:
    """The most memory that a task had at once."""
    tracemalloc.start()
    try:
        task()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def with_body(example: Example, body: bytes, content_type: str = "application/json") -> Example:
    headers = {**example.headers, "content-type": content_type}
    return Example(example.source, example.topic, headers, body, settings=example.settings)


@cache
def ordinary_seconds(source: str, size: int = BYTES) -> float:
    """What a body of this size costs that is an ordinary one but for a list that nobody reads."""
    example = json_example(source)
    item = {"id": 1001, "text": "something that nobody reads", "on": True, "amount": "12.50", "more": [1, 2]}
    filler = [item] * (size // len(json.dumps(item)))
    body = {**json.loads(example.body), "zz_filler": filler}
    work(example)  # imports and caches
    return seconds(lambda: work(with_body(example, json.dumps(body).encode())))


def json_example(source: str) -> Example:
    """An example of the source that is JSON; of one that posts forms alone, a form's JSON."""
    for example in examples_of(source):
        with contextlib.suppress(ValueError):
            if isinstance(json.loads(example.body), dict):
                return example
    return with_body(examples_of(source)[0], b'{"email": "ada@example.com", "message": "Hello"}')


def check(example: Example, family: str) -> None:
    """Raises AssertionError where a body costs too many times what an ordinary one does."""
    limit = MOST_TIMES * ordinary_seconds(example.source)
    taken = seconds(lambda: work(example), limit) / limit * MOST_TIMES
    assert taken <= MOST_TIMES, f"{example.source}: {family} costs {taken:.0f} times an ordinary body"


def check_memory(example: Example, family: str) -> None:
    """Raises AssertionError where a body takes too many times its own size."""
    memory = peak_bytes(lambda: work(example)) / len(example.body)
    assert memory <= MOST_BYTES_A_BYTE, (
        f"{example.source}: {family} takes {memory:.0f} bytes for each of its own"
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_text_costs_more_than_its_length(pattern: str) -> None:
    for source in SOURCE_PACKAGES:
        example = examples_of(source)[0]
        text = (pattern * CHARACTERS)[:CHARACTERS]
        body = body_with(example, text)
        changed = Example(source, example.topic, example.headers, body, settings=example.settings)
        limit = MOST_TIMES * ordinary_seconds(source) * max(1, len(body) / BYTES)
        taken = seconds(lambda changed=changed: work(changed))  # type: ignore[misc]
        assert taken <= limit, f"{source} takes {taken:.1f} s for texts of {pattern!r}"


# ── Bodies of JSON ──────────────────────────────────────────────────────────────────────────────────────


def grown(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The content with another value at a path."""
    if not path:
        return value
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[path[0]] = grown(copy[path[0]], path[1:], value)
    return copy


def places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every object and list in a body, and the first text of each object."""
    yield path, content
    members = content.items() if isinstance(content, dict) else list(enumerate(content))[:1]
    for key, value in members:
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))
    if isinstance(content, dict):
        texts = [key for key, value in content.items() if isinstance(value, str)]
        yield from (((*path, key), content[key]) for key in texts[:1])


def hostile_values(value: Any) -> Iterator[tuple[str, Any]]:
    """What a stranger might put in its place, of about `BYTES`."""
    if isinstance(value, list):
        item = value[0] if value else "x"
        many = max(1, BYTES // (len(json.dumps(item)) + 1))
        yield "a list of the same", [item] * many
        yield "a list of numbers", list(range(BYTES // 7))
        yield "a list of nothing", [{}] * (BYTES // 3)
        if isinstance(item, dict):
            ids = [key for key in item if key in ("id", "key", "ID", "name", "product_id", "ref")]
            yield "a list of others", [{**item, **dict.fromkeys(ids, number)} for number in range(many)]
    elif isinstance(value, dict):
        yield "many names", {**value, **{f"n{number}": number for number in range(BYTES // 13)}}
        yield "one name", {**value, **{blank(number) + "a": 1 for number in range(BYTES // 150)}}
        yield "long names", {"n" * (BYTES // 3): {"m" * 9 + str(n): n for n in range(BYTES // 40)}}
        yield "deep", deep(60, BYTES // 200)
    else:
        yield "a list", ["a"] * (BYTES // 4)
        yield "objects", [{"id": number} for number in range(BYTES // 14)]
        yield "commas", "a," * (BYTES // 2)
        yield "uploads", "https://a/uploads/" * (BYTES // 18) + " x"
        yield "percent signs", "https://a.example/?a=" + "%" * BYTES
        yield "unicode", "\u202e\u0301" * (BYTES // 12)


def blank(number: int) -> str:
    """A beginning that stripping takes away, another one for each number."""
    return "".join(" \t"[(number >> bit) & 1] for bit in range(14))


def deep(levels: int, width: int) -> Any:
    content: Any = "x"
    for _ in range(levels):
        content = {"a": content}
    return [content] * max(1, width)


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_no_json_costs_more_than_an_ordinary_body_of_its_size(source: str) -> None:
    example = json_example(source)
    content = json.loads(example.body)
    measured: set[str] = set()
    for path, value in places(content):
        for family, hostile in hostile_values(value):
            changed = with_body(example, json.dumps(grown(content, path, hostile)).encode())
            place = f"{family} at {'.'.join(map(str, path)) or 'the top'}"
            check(changed, place)
            if family not in measured:
                check_memory(changed, place)
            measured.add(family)


# ── Bodies of forms ─────────────────────────────────────────────────────────────────────────────────────


def part(head: str, content: bytes) -> bytes:
    return f"--frontier\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


END = b"--frontier--\r\n"
FORM_BODIES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "percent signs": (URLENCODED, lambda size: b"a=" + b"%" * size),
    "escapes": (URLENCODED, lambda size: b"a=" + b"%41b" * (size // 4)),
    "ampersands": (URLENCODED, lambda size: b"&" * size),
    "many names": (URLENCODED, lambda size: b"&".join(b"%d=" % number for number in range(size // 7))),
    "one name": (URLENCODED, lambda size: b"a=1&" * (size // 4)),
    "one name, written otherwise": (
        URLENCODED,
        lambda size: b"&".join([b"a=1", b"a%5b%5d=2", b"+a=3"] * (size // 20)),
    ),
    "nested names": (URLENCODED, lambda size: b"a" + b"[b]" * (size // 3) + b"=1"),
    "many nested names": (URLENCODED, lambda size: b"fields[a][b]=1&" * (size // 16)),
    "not UTF-8": (URLENCODED, lambda size: b"a=" + b"\xff" * size),
    "many parts": (MULTIPART, lambda size: part('name="a"', b"1") * (size // 60) + END),
    "many files": (MULTIPART, lambda size: part('name="a"; filename="b"', b"1") * (size // 80) + END),
    "long heads": (MULTIPART, lambda size: part('name="' + "a" * 8000 + '"', b"1") * (size // 8000) + END),
    "open quotes": (MULTIPART, lambda size: part('name="' * (size // 6), b"1") + END),
    "no end": (MULTIPART, lambda size: b"--frontier\r\n" * (size // 12)),
    "dashes": (MULTIPART, lambda size: b"\r\n--frontie" * (size // 11)),
    "base64": (
        MULTIPART,
        lambda size: (
            part('name="a"\r\nContent-Transfer-Encoding: base64', base64.b64encode(b"\0" * (size * 3 // 4)))
            + END
        ),
    ),
    "names as JSON": (
        "application/json",
        lambda size: json.dumps({blank(n) + "a": 1 for n in range(size // 24)}).encode(),
    ),
}


@pytest.mark.parametrize("family", FORM_BODIES)
@pytest.mark.parametrize("source", POSTED)
def test_no_posted_form_costs_more_than_an_ordinary_body_of_its_size(source: str, family: str) -> None:
    content_type, body = FORM_BODIES[family]
    changed = with_body(examples_of(source)[0], body(BYTES), content_type)
    check(changed, family)
    check_memory(changed, family)


@pytest.mark.parametrize("family", FORM_BODIES)
def test_custom_forms_cost_no_more_either(family: str) -> None:
    content_type, body = FORM_BODIES[family]
    changed = with_body(examples_of("custom")[0], body(BYTES), content_type)
    check(changed, family)
    check_memory(changed, family)


@pytest.mark.parametrize("family", ["percent signs", "escapes", "one name", "many files", "many parts"])
def test_what_reads_a_form_grows_as_its_body_does(family: str) -> None:
    """Eight times the body for at most eight times the memory, up to what a receiver takes."""
    content_type, body = FORM_BODIES[family]
    small, large = (
        with_body(examples_of("gravity")[0], body(size), content_type) for size in (400_000, 3_200_000)
    )
    memory = [peak_bytes(lambda one=one: work(one)) for one in (small, large)]  # type: ignore[misc]
    assert memory[1] <= 10 * memory[0] + 1_000_000
    assert memory[1] <= 40 * len(large.body)


@pytest.mark.parametrize("source", ["gravity", "elementor"])
def test_names_that_strip_to_one_grow_as_their_body_does(source: str) -> None:
    """Eight times as many names that are one in the end, for about eight times the time."""
    example = examples_of(source)[0]
    bodies = [json.dumps({blank(n) + "a": 1 for n in range(many)}).encode() for many in (100, 800)]
    small, large = (seconds(partial(work, with_body(example, body))) for body in bodies)
    repeated = [partial(gathered, [("a[]", "1")] * many) for many in (4_000, 32_000)]
    few, many = (seconds(task) for task in repeated)
    assert large <= 20 * small
    assert many <= 20 * few


# ── Before anything is proven ───────────────────────────────────────────────────────────────────────────

UNPROVEN: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "open brackets": lambda size: b"[" * size,
    "braces": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "a list": lambda size: b"[" + b"1," * (size // 2) + b"1]",
    "a deep list": lambda size: b"[" * 12 + b"1," * (size // 2) + b"1" + b"]" * 12,
    "texts": lambda size: b"[" + b'"",' * (size // 3) + b'""]',
    "digits": lambda size: b"[" + b"9" * size + b"]",
    "escapes": lambda size: b'"' + b"\\ud83d" * (size // 6) + b'"',
    "newlines": lambda size: b"\n" * size,
    "base64": lambda size: base64.b64encode(b"[" * (size * 3 // 4)),
    "percent signs": lambda size: b"HandshakeKey=" + b"%" * size,
    "many keys": lambda size: b"&HandshakeKey=" * (size // 14),
}
UNPROVEN_TIMES = 15


def refuse(source: str, body: bytes) -> None:
    """What a fresh receiver does with a body whose signature is wrong: refuse it, and look why."""
    example = examples_of(source)[0]
    store = Store()
    store.put(f"bridge-test/{source}/main", {"signing_secrets": ["secret", "older", "oldest"]})
    store.put(f"/bridge-test/{source}/main", dict(example.settings or {"thank_you_url": "https://a.example"}))
    receiver = Receiver(
        source_of(source),
        secrets=Secrets("bridge-test", store),
        queue=WebhookQueue("https://queue", client=Calls()),
        connections=Connections("ledger", Calls(), lambda: SENT_AT),
        parameters=Parameters("bridge-test", store),
        clock=lambda: SENT_AT,
    )
    event = Example(source, example.topic, example.headers, body, settings=example.settings).event(
        secret="wrong", now=SENT_AT
    )
    assert receiver(event, None)["statusCode"] == 401


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_wrong_signature_costs_a_few_times_an_ordinary_refusal_whatever_the_body(source: str) -> None:
    ordinary = json_example(source).body
    refuse(source, ordinary)
    taken = seconds(lambda: refuse(source, ordinary))
    for family, body in UNPROVEN.items():
        for size in (15_000, 250_000):
            task = partial(refuse, source, body(size))
            times = seconds(task, UNPROVEN_TIMES * taken) / taken
            assert times <= UNPROVEN_TIMES, f"{source}: {size} bytes of {family} cost {times:.0f} refusals"


@pytest.mark.parametrize("family", UNPROVEN)
def test_a_wrong_signature_takes_little_memory_whatever_the_body(family: str) -> None:
    for size in (15_000, 40_000, 100_000, 250_000, 2_500_000):
        memory = peak_bytes(partial(refuse, "shopify", UNPROVEN[family](size)))
        assert memory <= 3_000_000 + 8 * size, f"{size} bytes of {family} take {memory} bytes"
