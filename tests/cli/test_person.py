"""`bridge lookup` and `bridge erase`: what is stored of a person is named, and erased on command."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from bridge.profiles.identity import email_sha256
from bridge.profiles.versions import ProfileState, apply
from bridge.storage.ledger import Receipt, fact_row, gone_row, link_row, profile_row
from bridge.storage.queue import WebhookQueue
from cli.stack import Stack
from functions.deliver.erasure import request
from tests.cli.conftest import Bridge
from tests.owners import owners_group

ADA = email_sha256("ada@example.com") or ""
GROUP = owners_group("customer", "1", {"first_name": "Ada", "$email_address": "ada@example.com"})


@pytest.fixture(autouse=True)
def ada(stack: Stack, queue: WebhookQueue, remember: Callable[..., Receipt]) -> None:
    """A person of whom something is held, and another in a project of its own."""
    stack.queue_url = queue.url
    state, _ = apply(ProfileState(), (GROUP,))
    remember("1", custom_id=ADA, references=("shopify:customer:7", "shopify:order:9"))
    stack.ledger.commit(
        [
            profile_row("default", ADA, state),
            fact_row("default", "shopify:order:9:total:EUR", "10.00", ADA),
            link_row("club", "stripe:customer:cus_9", "grace"),
        ]
    )
    stack.secrets.store("stripe/club", {"signing_secrets": []})
    stack.parameters.write("stripe", "club", {"project": "club"})


def asked(queue: WebhookQueue) -> list[Any]:
    """The requests that lie in the queue."""
    answer = queue.client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)
    return [queue.webhook(message["Body"]) for message in answer.get("Messages", [])]


@pytest.mark.parametrize("who", ["ada@example.com", " Ada@Example.com", ADA, "7", "shopify:customer:7"])
def test_what_is_held_is_named_without_values(bridge: Bridge, stack: Stack, who: str) -> None:
    result = bridge("lookup", who, "--stack", stack.name, "--json")
    assert json.loads(result.stdout)["held"] == [
        {
            "project": "default",
            "custom_id": ADA,
            "attributes": ["$email_address", "first_name"],
            "receipts": 1,
            "links": 2,
            "facts": 1,
            "withdrawals": 0,
            "erased": False,
        }
    ]
    text = bridge("lookup", who, "--stack", stack.name).stdout
    assert "$email_address, first_name" in text
    assert "1 receipts, 2 links, 1 facts" in text
    assert "10.00" not in text


def test_of_a_stranger_nothing_is_held(bridge: Bridge, stack: Stack) -> None:
    result = bridge("lookup", "joan@example.com", "--stack", stack.name)
    assert (result.exit_code, result.stdout) == (0, "Nothing is stored about this person.\n")


def test_a_project_may_be_named(bridge: Bridge, stack: Stack) -> None:
    for project, found in (("club", ["grace"]), ("default", [])):
        result = bridge("lookup", "cus_9", "--project", project, "--stack", stack.name, "--json")
        assert [one["custom_id"] for one in json.loads(result.stdout)["held"]] == found
    result = bridge("erase", "ada@example.com", "--project", "clbu", "--yes", "--stack", stack.name)
    assert result.exit_code == 2
    assert "there are: default, club" in result.stderr


def test_a_person_is_erased_once_somebody_says_yes(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    refused = bridge("erase", "ada@example.com", "--stack", stack.name, typed="n\n")
    assert refused.exit_code == 1
    assert asked(queue) == []
    result = bridge("erase", "ada@example.com", "--stack", stack.name, typed="y\n")
    assert result.exit_code == 0
    [wish] = asked(queue)
    assert (wish.source, wish.connection, wish.topic) == (request.SOURCE, "default", request.TOPIC)
    assert json.loads(wish.body) == {"custom_id": ADA, "email": "ada@example.com"}
    assert f"`bridge receipt {wish.id}`" in result.stdout


def test_a_dry_run_only_tells(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    result = bridge("erase", ADA, "--dry-run", "--stack", stack.name, "--json")
    told = json.loads(result.stdout)
    assert (told["dry_run"], told["webhooks"], told["held"][0]["custom_id"]) == (True, [], ADA)
    assert asked(queue) == []


def test_with_json_stdout_is_one_document(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    result = bridge("erase", "7", "--yes", "--stack", stack.name, "--json")
    [wish] = asked(queue)
    assert json.loads(result.stdout)["webhooks"] == [wish.id]
    assert json.loads(wish.body) == {"custom_id": ADA}


def test_an_e_mail_that_only_what_is_parked_may_name_can_be_erased_too(
    bridge: Bridge, stack: Stack, queue: WebhookQueue
) -> None:
    bridge("erase", "joan@example.com", "--yes", "--stack", stack.name)
    [wish] = asked(queue)
    assert json.loads(wish.body) == {
        "custom_id": email_sha256("joan@example.com"),
        "email": "joan@example.com",
    }


def test_an_id_that_nobody_has_erases_nobody(bridge: Bridge, stack: Stack, queue: WebhookQueue) -> None:
    result = bridge("erase", "8", "--yes", "--stack", stack.name)
    assert result.exit_code == 1
    assert "nothing is stored about this person" in result.stderr
    assert asked(queue) == []


def test_who_was_erased_is_told_as_such(bridge: Bridge, stack: Stack) -> None:
    stack.ledger.commit([gone_row("default", ADA, 2_000_000_000)])
    found = json.loads(bridge("lookup", ADA, "--stack", stack.name, "--json").stdout)["held"]
    assert (found[0]["erased"], found[0]["attributes"]) == (True, [])
    assert "Erased." in bridge("lookup", ADA, "--stack", stack.name).stdout


@pytest.mark.parametrize(("former", "current"), [("held", "lookup"), ("forget", "erase")])
def test_a_former_name_does_the_same_and_is_not_listed(
    bridge: Bridge, stack: Stack, former: str, current: str
) -> None:
    options = (ADA, "--stack", stack.name, "--json", *(("--dry-run",) if current == "erase" else ()))
    assert json.loads(bridge(former, *options).stdout) == json.loads(bridge(current, *options).stdout)
    listed = re.findall(r"^\W*([a-z]+) {2}", bridge("--help").stdout, re.MULTILINE)
    assert current in listed
    assert former not in listed
