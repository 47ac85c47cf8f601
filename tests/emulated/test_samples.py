"""Every sample goes signed from the endpoint to the Batch sandbox, and becomes exactly what stands beside it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.connections import BATCH_KEYS
from tests.emulated.conftest import Batch
from tests.emulated.deployed import Deployed
from tests.emulated.sender import Sender
from tests.world import with_told_times

EXAMPLES = sorted(path for path in Path("events").glob("*/*.json") if not path.name.endswith(".batch.json"))
IDS = [f"{path.parent.name}/{path.stem}" for path in EXAMPLES]


def expected(path: Path) -> list[dict[str, Any]]:
    """The operations that stand beside a sample."""
    operations: list[dict[str, Any]] = json.loads(path.with_suffix(".batch.json").read_text())
    return operations


def turns() -> list[list[Path]]:
    """The samples in the turns in which they are sent.

    A sample comes after the one that it names, and what becomes nothing comes last, as it may erase. In one turn no
    person has two: what waits for one person together goes to Batch as one operation.
    """
    made: dict[tuple[bool, int, int], list[Path]] = {}
    for path in EXAMPLES:
        number = 0
        while persons(path) & {
            person for one in made.get((*level(path), number), []) for person in persons(one)
        }:
            number += 1
        made.setdefault((*level(path), number), []).append(path)
    return [made[key] for key in sorted(made)]


def level(path: Path) -> tuple[bool, int]:
    """Whether a sample becomes nothing, and how many samples it comes after."""
    after = json.loads(path.read_text()).get("after")
    return not expected(path), 1 + level(Path(after))[1] if after else 0


def persons(path: Path) -> set[str]:
    """Whom a sample is about."""
    return {operation["identifiers"]["custom_id"] for operation in expected(path)}


Sent = tuple[dict[Path, httpx.Response], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def sent(bridge: Deployed, batch: Batch, sender: Sender) -> Iterator[Sent]:
    """All samples, sent: the answers, and the operations that Batch took."""
    assert httpx.delete(f"{batch.url}/sandbox", trust_env=False).is_success
    answers: dict[Path, httpx.Response] = {}
    for paths in turns():
        answers |= sender.samples(paths)
    return answers, batch.operations


@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_a_sample_becomes_exactly_what_stands_beside_it(sent: Sent, sender: Sender, path: Path) -> None:
    answers, operations = sent
    for wanted in expected(path):
        if not (wanted.get("attributes") or wanted.get("events")):  # it links people, and writes nothing
            receipt = sender.receipt(answers[path])
            assert receipt
            assert receipt.status == "delivered"
            continue
        custom_id = wanted["identifiers"]["custom_id"]
        of_person = [
            operation for operation in operations if operation["identifiers"]["custom_id"] == custom_id
        ]
        assert any(is_as(operation, wanted) for operation in of_person), json.dumps([of_person, wanted])


def is_as(operation: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether Batch was sent exactly this, but for times that the tool does not tell."""
    if len(operation.get("events", [])) != len(wanted.get("events", [])):
        return False
    [shown] = with_told_times([copy.deepcopy(operation)], [wanted])
    return shown == wanted


def test_none_is_parked(sent: Sent, sender: Sender) -> None:
    answers, _ = sent
    assert sender.count("DEAD_LETTER_QUEUE_URL") == 0
    taken = [answer for answer in answers.values() if answer.json()["status"] == "accepted"]
    assert len(taken) > 100
    receipts = [sender.receipt(answer) for answer in taken]
    assert {receipt.status for receipt in receipts if receipt} <= {"delivered", "ignored"}


def test_a_repeat_is_answered_alike_and_sent_to_batch_once(sent: Sent, batch: Batch, sender: Sender) -> None:
    before = len(batch.operations)
    first = sent[0][Path("events/shopify/orders.paid.json")].json()
    again = sender.sample(Path("events/shopify/orders.paid.json"))
    assert again.json()["status"] == first["status"]
    assert sender.receipt(again)
    assert len(batch.operations) == before


@pytest.mark.parametrize("path", EXAMPLES[::12], ids=IDS[::12])
def test_a_sample_with_another_secret_is_refused(sent: Sent, sender: Sender, path: Path) -> None:
    assert sender.sample(path, secret="of-a-stranger").status_code == 401


def test_no_key_stands_in_a_call_that_is_kept(sent: Sent, batch: Batch) -> None:
    kept = json.dumps(httpx.get(f"{batch.url}/sandbox/calls", trust_env=False).json())
    assert str(BATCH_KEYS["rest_api_key"]) not in kept
