"""A webhook costs what it weighs: no text, however it is made up, keeps a mapping busy for longer."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from pydantic import ValidationError

from bridge.errors import BridgeError
from bridge.webhook import Request
from functions.sources import ROOMS, room
from tests.fuzz.hostile import examples_of
from tests.fuzz.test_mappings import can_be_sent, settings_of, webhook_of
from tests.sources.test_every_source import Example, source_of

CHARACTERS = 20_000
AT_MOST_SECONDS = 1.5
"""For texts of some hundred kilobytes: what is read once takes a tenth of it, what is read again and again minutes."""
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


def cost(example: Example) -> float:
    """The processor time of the door's look at a body and of its mapping, in seconds."""
    started = time.process_time()
    webhook = webhook_of(example)
    with contextlib.suppress(BridgeError, ValidationError):
        can_be_sent(room(example.source, "mapping").to_change(webhook, settings_of(example)))
    with contextlib.suppress(BridgeError):
        source_of(example.source).summarise(
            Request(example.source, "main", example.headers, {}, example.body, settings=example.settings)
        )
    return time.process_time() - started


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_text_costs_more_than_its_length(pattern: str) -> None:
    for source in ROOMS:
        example = examples_of(source)[0]
        text = (pattern * CHARACTERS)[:CHARACTERS]
        changed = Example(
            source, example.topic, example.headers, body_with(example, text), settings=example.settings
        )
        taken = cost(changed)
        assert taken < AT_MOST_SECONDS, f"{source} takes {taken:.1f} s for texts of {pattern!r}"
