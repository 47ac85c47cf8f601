"""Every body of others, signed, through the receiver and the queue: exactly what Batch receives for it, or why nothing.

The bodies stay where they are, beside the project. Of each call `samples_to_batch.json` keeps what a person reads, the
names and types, and a digest, which holds every value. Where a change is meant, write it anew and read the difference:
`.venv/bin/python -m tests.sources.test_samples_to_batch`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.receiving.receiver import Receiver
from cli.sample import Sample, signed
from functions.sources.registry import source_module
from tests.conftest import SAMPLES
from tests.world import NOW

EXPECTED = Path(__file__).with_suffix("").with_name("samples_to_batch.json")
URL = "https://door.example.com"
SECRET = "whsec_of-nobody"

# folder of samples   source, and its preset where it is any other tool
FOLDERS = {
    **{
        name: (name, "")
        for name in ("shopify", "stripe", "woocommerce", "typeform", "tally", "webflow", "hubspot", "netlify")
    },
    "wufoo": ("wufoo", ""),
    "google-forms": ("google", ""),
    **{
        name: ("custom", name)
        for name in ("calendly", "cal-com", "chargebee", "intercom", "lemonsqueezy", "slack", "zendesk")
    },
}


def files(samples: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((samples / folder).glob("*.json"))


def settings_of(source: str, preset: str) -> dict[str, Any]:
    """Test events go to Batch, and nobody is waited for: each body is looked at alone."""
    own = json.loads(Path(f"presets/{preset}.json").read_text()) if preset else {}
    return {**own, "test_events": True, "identity_wait_hours": 0}


def event(sample: Sample, now: float) -> dict[str, Any]:
    """The sample as API Gateway hands over what its provider posts."""
    path = f"/{sample.source}/main"
    request = signed(sample, URL + path, SECRET, now)
    query = request.url.partition("?")[2]
    return {
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": {"domainName": URL.removeprefix("https://"), "http": {"method": "POST"}},
        "pathParameters": {"source": sample.source, "connection": "main"},
        "headers": dict(request.headers),
        "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&") if pair),
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


def outcome(world: Any, path: Path) -> dict[str, Any]:
    """What the receiver answers, and what becomes of the webhook."""
    source, preset = FOLDERS[path.parent.name]
    settings = settings_of(source, preset)
    sample = replace(Sample.load(path, source), settings=settings if preset else None)
    world.connect(source, signing_secrets=[SECRET])
    world.parameters.write(source, "main", settings)
    receiver = Receiver(
        next(one for one in source_module(source, "receiver").SOURCES if one.name == source),
        secrets=world.secrets,
        queue=world.queue,
        connections=world.connections,
        parameters=world.parameters,
        clock=lambda: NOW,
    )
    answer = receiver(event(sample, NOW), None)
    told = json.loads(answer["body"]) if answer["headers"]["content-type"] == "application/json" else {}
    if told.get("status") != "accepted":
        return {"door": f"{answer['statusCode']} {told.get('error') or told.get('reason') or 'greeted'}"}
    return delivered(world)


def delivered(world: Any) -> dict[str, Any]:
    """What becomes of the one webhook in the queue."""
    answer = world.queue.client.receive_message(QueueUrl=world.queue.url, MaxNumberOfMessages=1)
    webhook = world.queue.webhook(answer["Messages"][0]["Body"])
    world.deliver(webhook)
    receipt = world.ledger.receipt(webhook.id)
    found: dict[str, Any] = {"receipt": " ".join(filter(None, (receipt.status, receipt.reason)))}
    if receipt.warnings:
        found["warnings"] = list(receipt.warnings)
    if world.batch.calls:
        [call] = world.batch.calls
        found["batch"] = [shape(operation) for operation in call]
        found["digest"] = digest(call)
    return found


def shape(content: Any) -> Any:
    """The names in a call, with the types of their values."""
    if isinstance(content, dict):
        return {
            name: inner if name == "name" and isinstance(inner, str) else shape(inner)
            for name, inner in content.items()
        }
    if isinstance(content, list):
        shapes = [shape(item) for item in content]
        return [one for number, one in enumerate(shapes) if one not in shapes[:number]]
    return "null" if content is None else type(content).__name__


def digest(call: Any) -> str:
    return hashlib.sha256(json.dumps(call, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXPECTED.read_text())
    return found


@pytest.mark.parametrize("name", expected() if EXPECTED.exists() else [])
def test_a_body_of_others_becomes_exactly_what_is_written(world: Any, samples: Path, name: str) -> None:
    found = outcome(world, samples / name)
    assert found == expected()[name], [operation for call in world.batch.calls for operation in call]


def test_of_every_body_is_written_what_becomes_of_it(samples: Path) -> None:
    assert set(expected()) == {named(path) for path in files(samples)}


def test_none_is_malformed_but_those_that_no_tool_sends() -> None:
    """Examples of other programs' APIs lie among the samples, in shapes of their own."""
    refused = {
        name for name, found in expected().items() if str(found.get("door", "")).startswith(("4", "5"))
    }
    assert refused == {"google-forms/activepieces.json", "wufoo/activepieces.json"}


@contextmanager
def worlds() -> Iterator[Any]:
    from tests import world as module

    with module.mock_aws() as mock:
        names = ("sqs", "s3", "dynamodb", "secretsmanager", "ssm")
        clients = module.Aws(mock, {name: module.boto3.client(name) for name in names})
        yield lambda: module.world.__wrapped__(clients)  # type: ignore[attr-defined]


def main() -> None:
    """Write what becomes of every sample now."""
    with worlds() as make:
        found = {named(path): outcome(make(), path) for path in files(SAMPLES)}
    EXPECTED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + os.linesep)
    sys.stdout.write(f"{len(found)} samples\n")


if __name__ == "__main__":
    main()
