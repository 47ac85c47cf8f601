"""The commands against a local stack that runs as `make run` runs it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cli.main import app
from functions.sources.registry import SOURCE_PACKAGES
from local.provider_stub import SHOPIFY_TOKEN
from local.stack import LocalStack

pytestmark = pytest.mark.stack

EVENTS = Path("events").resolve()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder below the one where a local stack was started."""
    started = tmp_path_factory.mktemp("project")
    below = started / "somewhere/below"
    below.mkdir(parents=True)
    with LocalStack(directory=started / ".local"):
        yield below


@pytest.fixture(autouse=True)
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def bridge(*arguments: str, typed: str = "") -> Any:
    """The JSON document that a command prints."""
    result = CliRunner().invoke(app, [*arguments, "--json"], input=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def with_an_email(source: str) -> str:
    """The first sample of a source that names its person by itself, so that it need not wait for another."""
    names = sorted(path.name for path in (EVENTS / source).glob("*.batch.json"))
    told = (name for name in names if "$email_address" in (EVENTS / source / name).read_text())
    return f"{source}/{next(told).replace('.batch.json', '.json')}"


@pytest.mark.parametrize("file", [with_an_email(source) for source in SOURCE_PACKAGES])
def test_a_sample_of_each_source_is_sent_and_delivered(file: str) -> None:
    sent = bridge("send", str(EVENTS / file))

    assert [answer["status"] for answer in sent["answers"]] in ([200], [303])
    assert sent["receipt"]["status"] == "delivered"
    assert bridge("receipt", sent["receipt"]["custom_id"])["receipts"][0]["id"] == sent["receipt"]["id"]
    expected = json.loads((EVENTS / file.replace(".json", ".batch.json")).read_text())
    assert sent["receipt"]["custom_id"] == expected[0]["identifiers"]["custom_id"]


def test_a_connection_made_a_moment_ago_takes_webhooks(tmp_path: Path) -> None:
    bridge("connect", "shopify", "eu", "--secret-stdin", typed="a-secret-of-eu")
    (tmp_path / "settings.json").write_text('{"project": "default"}')
    bridge("connect", "shopify", "eu", "--settings", str(tmp_path / "settings.json"))

    sent = bridge("send", str(EVENTS / "shopify/customers.create.json"), "--connection", "eu")

    assert sent["receipt"]["connection"] == "eu"
    assert "eu" in [one["connection"] for one in bridge("connections")["connections"]]


def test_what_cannot_be_mapped_is_listed_and_retried(tmp_path: Path) -> None:
    ids = []
    for number in (1, 2):
        order = tmp_path / f"shopify/orders.paid__{number}.json"
        order.parent.mkdir(exist_ok=True)
        order.write_text(json.dumps({"id": number, "created_at": "some day"}))
        ids.append(bridge("send", str(order))["answers"][0]["body"]["id"])

    failures = bridge("failures", "--source", "shopify", "--class", "mapping_failed")["failures"]
    assert sorted(failure["id"] for failure in failures) == sorted(ids)
    assert bridge("retry", "--dry-run", "--id", ids[0])["retried"] == 0
    retried = bridge("retry", "--id", ids[0], "--id", ids[1], "--class", "mapping_failed")
    assert sorted(webhook["id"] for webhook in retried["webhooks"]) == sorted(ids)


def test_an_order_that_never_arrived_is_found_and_delivered(tmp_path: Path, folder: Path) -> None:
    settings = tmp_path / "shopify.json"
    wanted = {"shop_domain": "local.myshopify.com", "compare_topics": ["orders/create"]}
    settings.write_text(json.dumps(wanted))
    bridge("connect", "shopify", "paris", typed="shpss_of_paris")
    bridge("connect", "shopify", "paris", "--settings", str(settings))
    bridge("connect", "shopify", "paris", "--api-key", typed=SHOPIFY_TOKEN)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    told = {
        "created_at": an_hour_ago.isoformat(),
        "updated_at": an_hour_ago.isoformat(),
        "id": 77,
        "name": "#77",
    }
    order = json.loads((EVENTS / "shopify/orders.create.json").read_text())["body"] | told
    stack = json.loads((folder.parent.parent / ".local/stack.json").read_text())
    assert httpx.post(f"{stack['url']}/_local/happened/shopify", json=order).status_code == 204
    assert httpx.post(f"{stack['url']}/_local/happened/tally", json=order).status_code == 400

    since = ("gaps", "shopify", "paris", "--since", (an_hour_ago - timedelta(hours=1)).isoformat())
    [look] = bridge(*since, "--dry-run")["connections"]
    [found] = bridge(*since)["connections"]
    assert (look["missing"], look["fed"]) == (1, 0)
    assert (found["checked"], found["missing"], found["fed"], found["error"]) == (1, 1, 1, "")
    assert [one["status"] for one in waited_for("#77")] == ["delivered"]
    [again] = bridge(*since)["connections"]
    assert (again["checked"], again["missing"]) == (1, 0)


def waited_for(order: str) -> list[dict[str, Any]]:
    """The receipts of an order, as soon as there are any."""
    for _ in range(50):
        result = CliRunner().invoke(app, ["receipt", order, "--json"])
        if result.exit_code == 0:
            receipts: list[dict[str, Any]] = json.loads(result.stdout)["receipts"]
            return [one for one in receipts if one["connection"] == "paris"]
        time.sleep(0.1)
    return []


def test_a_refund_is_sent_after_its_order_and_delivered_to_the_same_person() -> None:
    sent = bridge("send", str(EVENTS / "shopify/refunds.create.json"))

    assert sent["first"] == ["events/shopify/orders.create__shipped.json"]
    assert (sent["receipt"]["status"], sent["receipt"]["events"]) == ("delivered", ["order_refunded"])
    expected = json.loads((EVENTS / "shopify/refunds.create.batch.json").read_text())
    assert sent["receipt"]["custom_id"] == expected[0]["identifiers"]["custom_id"]
