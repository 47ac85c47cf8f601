"""The commands against a local stack that runs as `make run` runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
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


@pytest.mark.parametrize(
    "file",
    [
        "shopify/orders.paid.json",
        "stripe/customer.created.json",
        "woocommerce/order.created.json",
        "typeform/form_response.json",
        "form/submission.json",
    ],
)
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


def test_a_refund_is_sent_after_its_order_and_delivered_to_the_same_person() -> None:
    sent = bridge("send", str(EVENTS / "shopify/refunds.create.json"))

    assert sent["first"] == ["events/shopify/orders.create__shipped.json"]
    assert (sent["receipt"]["status"], sent["receipt"]["events"]) == ("delivered", ["order_refunded"])
    expected = json.loads((EVENTS / "shopify/refunds.create.batch.json").read_text())
    assert sent["receipt"]["custom_id"] == expected[0]["identifiers"]["custom_id"]
