"""What `sam build` made, under AWS's runtime client and emulator: it takes webhooks in and delivers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from functions.sources.registry import SOURCE_PACKAGES
from local.process import ROOT
from local.samples import Sample, read_sample, samples_of
from tests.world import with_told_times

if TYPE_CHECKING:
    from bench.emulator import Emulator
    from tests.artifact.conftest import Cloud

pytestmark = pytest.mark.artifact

SHORTEST_TELLING_TEXT = 5
LOG_KEYS = ("level", "location", "message", "reason", "service", "source", "timestamp", "topic", "webhook_id")
"""A form may have questions of these names."""


def a_sample(source: str) -> Sample:
    """The first of a source that comes after no other and that Batch gets."""
    return next(one for one in samples_of(source) if expected_of(one) and "after" not in content_of(one.file))


def expected_of(sample: Sample) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = content_of(sample.file.replace(".json", ".batch.json"))
    return found


def content_of(file: str) -> Any:
    return json.loads((ROOT / file).read_text())


def texts_of(content: Any) -> Iterator[str]:
    """Every value in a body, as text."""
    if isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from texts_of(inner)
    elif isinstance(content, str | int | float):
        yield str(content)


def assert_tells_nothing(function: Emulator, sample: Sample) -> None:
    """The function's log repeats no value of the body, except those that its topic names anyway."""
    _, content = read_sample(sample.file)
    sent = content["body"] if "body" in content else dict(parse_qsl(content["body_raw"]))
    values = {text for text in texts_of(sent) if len(text) >= SHORTEST_TELLING_TEXT}
    log = "\n".join(function.lines())
    assert "{" in log, "the function logs nothing at all"
    ours = f"{sample.source} {content['topic']} {' '.join(LOG_KEYS)}"
    assert {text for text in values if text in log and text not in ours} == set()


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_webhook_goes_all_the_way_to_its_profile(cloud: Cloud, source: str) -> None:
    sample = a_sample(source)
    with cloud.cold(cloud.receiver(source).route.function) as receiver:
        answer = receiver.invoke(cloud.event(sample))
        assert_tells_nothing(receiver, sample)
    assert answer["statusCode"] == 200
    [message] = cloud.queued()
    assert json.loads(answer["body"]) == {"status": "accepted", "id": json.loads(message["Body"])["id"]}

    with cloud.cold("DeliverFunction") as deliver:
        assert deliver.invoke(cloud.records(message)) == {"batchItemFailures": []}
        assert_tells_nothing(deliver, sample)
    [operation] = expected_of(sample)
    profile = cloud.sandbox.state.sandbox.store.profile(operation["identifiers"]["custom_id"])
    assert profile.attributes == operation.get("attributes", {})
    [shown] = with_told_times([{"events": profile.events}], [operation])
    assert shown["events"] == operation.get("events", [])


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_wrong_secret_is_refused_and_nothing_is_queued(cloud: Cloud, source: str) -> None:
    sample = a_sample(source)
    with cloud.cold(cloud.receiver(source).route.function) as receiver:
        answer = receiver.invoke(cloud.event(sample, secret="somebody else's secret"))
        assert_tells_nothing(receiver, sample)
    assert (answer["statusCode"], json.loads(answer["body"])) == (401, {"error": "invalid_signature"})
    assert cloud.queued() == []


def test_a_tampered_body_is_refused_and_nothing_is_queued(cloud: Cloud) -> None:
    sample = a_sample("shopify")
    event = cloud.event(sample)
    with cloud.cold("ShopifyFunction") as receiver:
        answer = receiver.invoke(event | {"body": event["body"] + " "})
        assert_tells_nothing(receiver, sample)
    assert (answer["statusCode"], json.loads(answer["body"])) == (401, {"error": "invalid_signature"})
    assert cloud.queued() == []


def test_a_retry_of_an_empty_dead_letter_queue_finds_nothing(cloud: Cloud) -> None:
    with cloud.cold("RetryFunction") as retry:
        report = retry.invoke({"filter": {"classes": ["batch_unavailable"]}})
    assert report == {"retried": 0, "left": 0, "more": False, "exhausted": 0, "webhooks": []}


def test_every_function_of_the_template_is_built(cloud: Cloud) -> None:
    built = {path.name for path in cloud.artifact.build.iterdir() if path.is_dir()}
    assert built == {*cloud.deployment.functions, "CoreLayer"}
    for name, settings in cloud.deployment.functions.items():
        module = settings.handler.rpartition(".")[0].replace(".", "/")
        assert (cloud.artifact.build / name / Path(f"{module}.py")).is_file(), name
