"""Every name has one type in Batch, whatever forms, tools and settings say, in whatever order it comes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import BatchUnavailable
from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Event, ProfileChange, Value
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import Ledger
from bridge.webhook import Webhook, group_id
from functions.deliver.type_registry import TypeRegistry
from local.sandbox.app import ProjectKeys, create_app
from tests.deliver.test_erasure import through
from tests.owners import owners_group, owners_person
from tests.world import KEYS, NOW, World

RECEIVED = datetime.fromtimestamp(NOW, UTC)
NUMBERS = itertools.count(1)


def webhook(source: str, topic: str, email: str, body: dict[str, Any]) -> Webhook:
    return Webhook(
        id=f"webhook-{next(NUMBERS)}",
        source=source,
        connection="main",
        topic=topic,
        headers={"content-type": "application/json"},
        body=json.dumps(body).encode(),
        received_at=RECEIVED,
        group=group_id(source, "main", email),
    )


def form(email: str = "ada@example.com", **answers: Any) -> Webhook:
    """A plain form as a script posts it."""
    return webhook("form", "submission", email, {"form_id": "signup", "email": email, **answers})


def tally(label: str, kind: str, value: Any, email: str = "ada@example.com") -> Webhook:
    """A form of Tally that asks one question, and the e-mail."""
    fields = [
        {"key": "question_1", "label": "E-mail", "type": "INPUT_EMAIL", "value": email},
        {"key": "question_2", "label": label, "type": kind, "value": value},
    ]
    body = {"responseId": "r", "formId": "f", "createdAt": "2026-09-10T11:00:00.000Z", "fields": fields}
    return webhook("tally", "FORM_RESPONSE", email, {"eventType": "FORM_RESPONSE", "data": body})


@pytest.fixture
def sandbox(world: World) -> Callable[..., dict[str, Any]]:
    """Batch is the sandbox, which keeps one type per name for ever; returns what looks a profile up by e-mail."""
    app = create_app(projects={"project-key": ProjectKeys("rest-key", ("app",))}, clock=lambda: world.now)
    world.gdpr = lambda request: through(app, request)

    def profile(email: str = "ada@example.com") -> dict[str, Any]:
        address = f"http://sandbox/sandbox/profiles/{email_sha256(email)}"
        found: dict[str, Any] = json.loads(through(app, httpx.Request("GET", address)).text)
        return found

    return profile


@dataclass
class Told:
    """A mapping that says of each webhook what a test wants it to."""

    changes: dict[str, ProfileChange] = field(default_factory=dict)

    def __call__(self, one: Webhook, settings: ConnectionSettings) -> ProfileChange:
        return self.changes[one.id]


def saying(world: World, *said: dict[str, Value], event: bool = False) -> list[Webhook]:
    """Webhooks that say these attributes, of a profile of their own each, or events with them."""
    people = [f"person-{number}@example.com" for number, _ in enumerate(said)]
    return [saying_of(world, email, one, event=event) for email, one in zip(people, said, strict=True)]


def saying_of(world: World, email: str, attributes: dict[str, Value], *, event: bool = False) -> Webhook:
    """A webhook that says these attributes of a person, or an event with them."""
    one = form(email)
    groups = () if event else (owners_group("customer", f"{int(one.id[8:]):09}", attributes),)
    events = (Event("seen", None, attributes),) if event else ()
    if not isinstance(told := world.mappers["form"], Told):
        told = world.mappers["form"] = Told()
    told.changes[one.id] = ProfileChange(owners_person(email=email), groups, events)
    return one


class AwayLedger(Ledger):
    """A ledger whose types of names are out of reach."""

    def kinds(self, project: str, paths: Iterable[str]) -> dict[str, str]:
        raise BatchUnavailable("the ledger is out of reach")


class FullLedger(Ledger):
    """A ledger that takes no types of names."""

    def remember_kinds(self, project: str, kinds: Mapping[str, str]) -> None:
        raise BatchUnavailable("the ledger is out of reach")


def kept_in(ledger: type[Ledger], world: World) -> TypeRegistry:
    return TypeRegistry(ledger(world.ledger.table, world.ledger.client))


def calls_of(world: World) -> list[str]:
    """The names of DynamoDB's operations, from now on."""
    made: list[str] = []
    world.ledger.client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: made.append(model.name)
    )
    return made


def refusal(attribute: str, category: str = "attribute") -> httpx.Response:
    """Batch's answer where it takes all but this of the first operation."""
    error = {"category": category, "bulk_index": 0, "attribute": attribute, "reason": "another type"}
    return httpx.Response(202, json={"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": [error]})


def retried(world: World) -> list[str]:
    """Retry the one that is parked, and deliver it."""
    [parked] = world.queue.receive_parked(60)
    world.queue.retry([parked])
    [message] = world.queue.client.receive_message(QueueUrl=world.queue.url)["Messages"]
    return world.deliver(world.queue.webhook(message["Body"]))


def statuses(world: World, webhooks: Iterable[Webhook]) -> set[str]:
    """What became of webhooks: parked, where Batch refused anything of one."""
    receipts = [world.ledger.receipt(one.id) for one in webhooks]
    return {receipt.status if receipt else "none" for receipt in receipts}


def warnings_of(world: World, one: Webhook) -> tuple[str, ...]:
    receipt = world.ledger.receipt(one.id)
    assert receipt is not None
    assert receipt.status == "delivered"
    return receipt.warnings


# ── Forms that ask the same ─────────────────────────────────────────────────────────────────────────────

LONG_LINK = "https://example.com/" + "a" * 300
ASKED = {
    "box": tally("Newsletter", "OTHER", True),
    "yes": form(newsletter="yes"),
    "text": form(newsletter="every other week"),
    "number": tally("Newsletter", "INPUT_NUMBER", 3),
    "decimal": tally("Newsletter", "INPUT_NUMBER", 2.5),
    "list": tally("Newsletter", "MULTIPLE_CHOICE", ["tea", "coffee"]),
    "date": tally("Newsletter", "INPUT_DATE", "2026-10-01"),
    "link": tally("Newsletter", "INPUT_LINK", "https://example.com/a"),
    "long link": tally("Newsletter", "INPUT_LINK", LONG_LINK),
}


def answers_in(profile: dict[str, Any]) -> list[dict[str, Any]]:
    """What the events of a profile say of the newsletter."""
    return [
        {key: value for key, value in event["attributes"].items() if "newsletter" in key}
        for event in profile["events"]
    ]


@pytest.mark.parametrize("first", ASKED)
@pytest.mark.parametrize("together", [False, True], ids=["one-by-one", "in-one-batch"])
def test_of_forms_that_ask_the_same_in_every_way_no_event_is_refused(
    world: World, sandbox: Callable[..., dict[str, Any]], first: str, together: bool
) -> None:
    place = [*ASKED].index(first)
    in_order = [*ASKED.values()][place:] + [*ASKED.values()][:place]
    for batch in [in_order] if together else [[one] for one in in_order]:
        assert world.deliver(*batch) == []
    assert statuses(world, in_order) == {"delivered"}
    assert [len(answers) for answers in answers_in(sandbox())] == [1] * len(ASKED)


def test_what_cannot_be_converted_stands_under_a_name_that_tells_its_type_and_the_receipt_says_so(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    for one in ASKED.values():
        world.deliver(one)
    assert answers_in(sandbox()) == [
        {"newsletter": True},
        {"newsletter": True},
        {"newsletter_text": "every other week"},
        {"newsletter_number": 3.0},
        {"newsletter_number": 2.5},
        {"newsletter_list": ["tea", "coffee"]},
        {"date(newsletter_date)": "2026-10-01T00:00:00Z"},
        {"url(newsletter_link)": "https://example.com/a"},
        {"url(newsletter_link)": LONG_LINK},
    ]
    assert [warnings_of(world, one) for one in ASKED.values()] == [
        (),
        ("consent_not_named:newsletter=email", "retyped:newsletter"),
        ("renamed:newsletter_text",),
        ("renamed:newsletter_number",),
        ("renamed:newsletter_number",),
        ("renamed:newsletter_list",),
        ("renamed:newsletter_date",),
        ("renamed:newsletter_link",),
        ("renamed:newsletter_link",),
    ]


def test_after_a_text_everything_that_can_be_written_as_one_is_a_text(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    for name in ("text", "box", "number", "decimal", "date", "link", "long link"):
        world.deliver(ASKED[name])
    assert answers_in(sandbox()) == [
        {"newsletter": "every other week"},
        {"newsletter": "true"},
        {"newsletter": "3"},
        {"newsletter": "2.5"},
        {"newsletter": "2026-10-01T00:00:00Z"},
        {"newsletter": "https://example.com/a"},
        {"url(newsletter_link)": LONG_LINK},
    ]


def test_settings_that_give_a_name_a_second_type_stop_nothing(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    world.parameters.write("tally", "main", {"fields": {"cups": "favourite", "tea": "favourite"}})
    answers = [("cups", "INPUT_NUMBER", 3), ("tea", "INPUT_TEXT", "Assam"), ("cups", "INPUT_NUMBER", 4)]
    said = [tally(*answer, f"person-{number}@example.com") for number, answer in enumerate(answers)]
    for one in said:
        assert world.deliver(one) == []
    assert statuses(world, said) == {"delivered"}
    shown = [sandbox(f"person-{number}@example.com")["attributes"] for number in range(3)]
    assert [{key: one[key] for key in one if key.startswith("favourite")} for one in shown] == [
        {"favourite": 3},
        {"favourite_text": "Assam"},
        {"favourite": 4},
    ]


KEYS_TRIED = st.sampled_from(["x", "date(x)", "url(x)", "x_text"])
SAID = st.one_of(
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(["yes", "5", "tea", 1.5, "2026-09-01", LONG_LINK, ["tea"], {"$add": ["tea"]}, None]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 2), st.booleans(), st.dictionaries(KEYS_TRIED, SAID, max_size=3)),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_of_whatever_is_said_in_whatever_batches_nothing_is_parked(
    world: World,
    sandbox: Callable[..., dict[str, Any]],
    batches: list[list[tuple[int, bool, dict[str, Value]]]],
) -> None:
    for batch in batches:
        said = [
            saying_of(world, f"person-{number}@example.com", attributes, event=event)
            for number, event, attributes in batch
        ]
        assert world.deliver(*said) == []
        assert statuses(world, said) <= {"delivered"}


# ── When a type is remembered ───────────────────────────────────────────────────────────────────────────


def test_the_types_of_what_batch_took_are_remembered_and_the_first_stays(world: World) -> None:
    world.deliver(*saying(world, {"size": "M", "date(born)": "1815-12-10", "$language": "en", "gone": None}))
    world.deliver(*saying(world, {"items": [{"quantity": 1}]}, event=True))
    assert world.ledger.kinds("default", ["size", "born", "gone", "$language"]) == {
        "size": "string",
        "born": "date",
    }
    assert world.ledger.kinds("default", ["seen.items", "seen.items.quantity"]) == {
        "seen.items": "list of objects",
        "seen.items.quantity": "integer",
    }
    world.kinds = TypeRegistry(world.ledger)
    world.deliver(*saying(world, {"size": 42}))
    assert world.operations[-1]["attributes"] == {"size": "42"}


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(503), httpx.Response(400), httpx.Response(401), httpx.ReadTimeout("slow")],
    ids=["503", "400", "401", "timeout"],
)
def test_a_call_that_failed_gives_no_name_a_type(world: World, answer: httpx.Response | Exception) -> None:
    world.batch.answers = [answer]
    world.deliver(*saying(world, {"size": "M"}))
    assert world.ledger.kinds("default", ["size"]) == {}
    world.deliver(*saying(world, {"size": 42}))
    assert world.operations[-1]["attributes"] == {"size": 42}


def test_what_a_partial_error_refused_gives_no_name_a_type_and_the_rest_does(world: World) -> None:
    world.batch.answers = [refusal("size")]
    world.deliver(*saying(world, {"size": "M", "colour": "red"}))
    assert world.ledger.kinds("default", ["size", "colour"]) == {"colour": "string"}
    world.batch.answers = [refusal("seen.size", "event")]
    world.deliver(*saying(world, {"size": "M"}, event=True))
    assert world.ledger.kinds("default", ["seen.size"]) == {}


def test_of_several_webhooks_of_a_profile_none_gives_a_type_to_a_name_that_was_refused(world: World) -> None:
    world.batch.answers = [refusal("size")]
    said = [
        saying_of(world, "ada@example.com", attributes)
        for attributes in ({"size": "M"}, {"size": "L", "x": 1})
    ]
    world.deliver(*said)
    assert [one.id for one in world.parked()] == [said[1].id]
    assert world.ledger.kinds("default", ["size", "x"]) == {"x": "integer"}


def test_within_a_batch_the_type_of_an_earlier_webhook_counts_for_a_later_one(world: World) -> None:
    world.deliver(*saying(world, {"size": "M"}, {"size": 42}, {"size": True}))
    assert [operation["attributes"]["size"] for operation in world.operations] == ["M", "42", "true"]


def test_where_two_deliveries_give_a_name_two_types_at_once_the_second_is_parked_and_its_retry_converts(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    box, text = saying(world, {"newsletter": True}, {"newsletter": "perhaps", "city": "Paris"})
    world.kinds = kept_in(FullLedger, world)
    world.deliver(box)
    world.kinds = TypeRegistry(world.ledger)
    assert world.deliver(text) == []
    [parked] = world.parked()
    assert parked.failure.reason == "Batch refused attribute:newsletter"
    assert world.ledger.kinds("default", ["newsletter"]) == {}
    world.ledger.remember_kinds("default", {"newsletter": "boolean"})
    assert retried(world) == []
    assert statuses(world, [text]) == {"delivered"}
    attributes = sandbox("person-1@example.com")["attributes"]
    assert (attributes["newsletter_text"], attributes["city"]) == ("perhaps", "Paris")


def test_what_is_refused_under_another_name_is_sent_under_it_by_a_retry(world: World) -> None:
    world.deliver(*saying(world, {"newsletter": True}))
    world.batch.answers = [refusal("newsletter_text")]
    world.deliver(saying_of(world, "ada@example.com", {"newsletter": "perhaps", "city": "Paris"}))
    [parked] = world.parked()
    assert parked.envelope["only"] == ["attribute:newsletter"]
    assert retried(world) == []
    assert world.operations[-1]["attributes"] == {"newsletter_text": "perhaps"}


def test_a_type_that_batch_has_from_elsewhere_is_refused_and_never_taken_for_ours(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    operation = {"identifiers": {"custom_id": "sdk"}, "attributes": {"size": 42}}
    headers = {"Authorization": "Bearer rest-key", "X-Batch-Project": "project-key"}
    assert world.gdpr is not None
    world.gdpr(httpx.Request("POST", "http://batch/2.11/profiles/update", json=[operation], headers=headers))
    for attributes in ({"size": "M", "x": 1}, {"size": "L", "x": 2}):
        world.deliver(*saying(world, attributes))
    assert {one.failure.failure_class for one in world.parked()} == {"rejected_by_batch"}
    assert world.ledger.kinds("default", ["size", "x"]) == {"x": "integer"}
    world.deliver(*saying(world, {"size": 43}))
    world.deliver(*saying(world, {"size": "44"}))
    assert sandbox("person-0@example.com")["attributes"]["size"] == 44


def test_after_a_refusal_a_process_reads_the_types_anew(world: World) -> None:
    world.deliver(*saying(world, {"size": "M"}))
    world.deliver(*saying(world, {"size": "M"}))
    world.ledger.delete(["kind#default#size"])
    world.ledger.remember_kinds("default", {"size": "integer"})
    world.batch.answers = [refusal("size")]
    world.deliver(*saying(world, {"size": "43"}))
    assert world.operations[-1]["attributes"] == {"size": "43"}
    world.deliver(*saying(world, {"size": "44"}))
    assert world.operations[-1]["attributes"] == {"size": 44}


def test_projects_have_types_of_their_own(world: World) -> None:
    world.secrets.store("batch/outlet", KEYS | {"project_key": "outlet"})
    world.deliver(*saying(world, {"size": "M"}))
    world.parameters.cache.entries.clear()
    world.parameters.write("form", "main", {"project": "outlet"})
    world.deliver(*saying(world, {"size": 42}))
    assert world.operations[-1]["attributes"] == {"size": 42}
    assert world.ledger.kinds("outlet", ["size"]) == {"size": "integer"}


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────

ALWAYS = ["BatchGetItem", "UpdateItem", "BatchWriteItem", "BatchWriteItem"]
"""Which of the webhooks are done, the profile, and after it the receipt: of one that has no references."""


def test_what_always_comes_costs_no_call_to_dynamodb(world: World) -> None:
    attributes: dict[str, Value] = {
        "size": "M",
        "$language": "en",
        "gone": None,
        "date(born)": None,
        "x": ["a"],
    }
    made = calls_of(world)

    def deliver() -> list[str]:
        made.clear()
        world.deliver(*saying(world, attributes), *saying(world, {"items": [{"quantity": 1}]}, event=True))
        return [name for name in made if name not in ("BatchWriteItem", "UpdateItem")]

    once = ["BatchGetItem"]
    assert deliver() == [*once, "BatchGetItem", "TransactWriteItems"]
    assert deliver() == [*once, "BatchGetItem"]
    assert deliver() == deliver() == once
    world.kinds = TypeRegistry(world.ledger)
    assert deliver() == [*once, "BatchGetItem"]
    assert deliver() == once


def test_a_conflict_that_always_comes_costs_no_call_either(world: World) -> None:
    world.deliver(*saying(world, {"newsletter": True}))
    made = calls_of(world)
    for _ in range(3):
        made.clear()
        world.deliver(*saying(world, {"newsletter": "perhaps"}))
        assert world.operations[-1]["attributes"] == {"newsletter_text": "perhaps"}
    assert made == ALWAYS


def test_a_process_keeps_no_more_names_in_mind_than_it_has_room_for(world: World) -> None:
    world.kinds = TypeRegistry(world.ledger, max_names=2)
    for _ in range(2):
        world.deliver(*saying(world, {"a": 1, "b": 1, "c": 1}))
    assert (world.kinds.standing, dict(world.kinds.settled)) == ({}, {})
    world.deliver(*saying(world, {"a": "5"}))
    assert world.operations[-1]["attributes"] == {"a": 5}


# ── When the ledger is unavailable ─────────────────────────────────────────────────────────────────────────────


def test_while_types_cannot_be_read_webhooks_stay_in_the_queue(world: World) -> None:
    [one] = saying(world, {"size": "M"})
    world.kinds = kept_in(AwayLedger, world)
    assert world.deliver(one) == [f"message-{one.id}"]
    assert world.batch.calls == []
    world.kinds = TypeRegistry(world.ledger)
    assert world.deliver(one) == []
    assert warnings_of(world, one) == ()


def test_where_types_cannot_be_written_the_webhook_is_delivered_and_the_next_writes_them(
    world: World,
) -> None:
    [one] = saying(world, {"size": "M"})
    world.kinds = kept_in(FullLedger, world)
    assert world.deliver(one) == []
    assert warnings_of(world, one) == ()
    world.kinds = TypeRegistry(world.ledger)
    world.deliver(*saying(world, {"size": "L"}))
    assert world.ledger.kinds("default", ["size"]) == {"size": "string"}


# ── Emptying and erasing ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("together", [False, True], ids=["one-by-one", "in-one-batch"])
def test_what_was_sent_under_another_name_is_emptied_with_its_own(
    world: World, sandbox: Callable[..., dict[str, Any]], together: bool
) -> None:
    for _ in range(2):
        world.deliver(*saying(world, {"newsletter": True, "city": "Rome"}))
    said: list[dict[str, Value]] = [{"newsletter": "perhaps"}, {"newsletter": None, "city": "Paris"}]
    webhooks = [saying_of(world, "ada@example.com", attributes) for attributes in said]
    for batch in [webhooks] if together else [[one] for one in webhooks]:
        world.deliver(*batch)
    assert sandbox("ada@example.com")["attributes"] == {"city": "Paris"}


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ([{"date(born)": "1815-12-10"}, {"born": None}], {"born": None}),
        ([{"born": None}, {"date(born)": "1815-12-10"}], {"date(born)": "1815-12-10T00:00:00Z"}),
    ],
)
def test_a_date_and_its_emptying_in_one_batch_name_it_once(
    world: World, sandbox: Callable[..., dict[str, Any]], said: list[dict[str, Value]], sent: dict[str, Value]
) -> None:
    webhooks = [saying_of(world, "ada@example.com", attributes) for attributes in said]
    world.deliver(*webhooks)
    assert statuses(world, webhooks) == {"delivered"}
    left = {key: value for key, value in sent.items() if value is not None}
    assert sandbox("ada@example.com")["attributes"] == left


def test_who_is_erased_is_emptied_of_what_stands_under_other_names_and_types_stay(
    world: World, sandbox: Callable[..., dict[str, Any]]
) -> None:
    world.deliver(*saying(world, {"newsletter": True, "born": "in 1815", "page": "a page"}))
    said: dict[str, Value] = {"newsletter": "perhaps", "date(born)": "1815-12-10", "url(page)": LONG_LINK}
    world.deliver(saying_of(world, "ada@example.com", said))
    assert set(sandbox("ada@example.com")["attributes"]) == {"newsletter_text", "born", "url(page_link)"}
    redact = form("ada@example.com")
    person = owners_person(email="ada@example.com")
    world.mappers["form"] = lambda *_: ProfileChange(person, privacy="erase")
    assert world.deliver(redact) == []
    assert statuses(world, [redact]) == {"delivered"}
    assert set(sandbox("ada@example.com")["attributes"]) == {"$email_marketing", "$sms_marketing"}
    assert world.ledger.kinds("default", ["newsletter", "newsletter_text"]) == {
        "newsletter": "boolean",
        "newsletter_text": "string",
    }
