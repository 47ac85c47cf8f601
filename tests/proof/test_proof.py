"""`bridge prove`: what it plans, that its forgeries are forged, that it notices what is lost, duplicated or altered."""

from __future__ import annotations

import asyncio
import copy
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.batch import limits
from bridge.errors import InvalidSignature
from bridge.profiles import versions
from bridge.settings import checked
from bridge.storage.ledger import DELIVERED, PARKED, Receipt
from bridge.webhook import Request, Source, Webhook
from cli.errors import CommandFailed
from cli.sample import Sample
from cli.stack import Stack, local_stack
from cli.trial import Trial
from functions.deliver import outcomes
from functions.sources.registry import SOURCE_PACKAGES, settings_model, source_module
from local.connections import local_secret
from local.stack import LocalStack
from proof import broken, claims, erasures, forgeries, observer
from proof.compare import Judgement, Windows, at_most, judge, twice_named
from proof.expected import Expected, event_key, profile_of
from proof.lives import LIVES, Life
from proof.observer import Call, call_of, digest
from proof.prices import COUNTED, PRICES, Used, cost_per_million
from proof.report import Report, count_answers, count_erased, count_profiles, count_receipts
from proof.run import RECEIVERS, Options, Proof
from proof.scenario import (
    BROKEN,
    ERASURE,
    FORGED,
    IGNORED,
    LATE,
    NEVER_READ_AS,
    REPEAT,
    REPLAYED,
    TRUE,
    Planner,
    Posting,
    Scenario,
    plan,
)
from proof.sender import Endpoints, Sender, Sent
from proof.target import check_sandbox, ground, sandbox_of, variables_of
from proof.templates import Customer, Filled, changed, template

NOW = int(datetime(2026, 9, 10, 12, 0, tzinfo=UTC).timestamp())
EVERY_LIFE = [(source, life) for source, lives in LIVES.items() for life in lives]
SECRETS = {source: local_secret(source) for source in SOURCE_PACKAGES}
DOOR = Endpoints({source: f"https://door.example.com/{source}/main" for source in SOURCE_PACKAGES}, SECRETS)


def planner(seed: int = 7) -> Planner:
    return Planner(tuple(SOURCE_PACKAGES), random.Random(seed), f"tag{seed}", NOW)


def source_of(name: str) -> Source:
    return next(one for one in source_module(name, "receiver").SOURCES if one.name == name)


@pytest.fixture(scope="module")
def drawn() -> Scenario:
    return plan(400, 3, NOW)


# ── The plan ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_seed_at_the_same_moment_draws_the_same_plan(drawn: Scenario) -> None:
    assert plan(400, 3, NOW) == drawn
    assert plan(400, 4, NOW).postings != drawn.postings


def test_two_runs_never_tell_of_the_same_person(drawn: Scenario) -> None:
    assert not plan(400, 3, NOW + 1).profiles.keys() & drawn.profiles.keys()


def test_every_source_there_is_lives_in_a_plan(drawn: Scenario) -> None:
    assert all(LIVES.values()), "give the new source its lives in its proof.toml"
    assert {posting.sample.source for posting in drawn.of_kind(TRUE)} == set(SOURCE_PACKAGES)
    assert all(drawn.of_kind(kind) for kind in (REPEAT, IGNORED, BROKEN, FORGED, REPLAYED, ERASURE, LATE))
    assert any(posting.way == claims.CLAIM for posting in drawn.of_kind(TRUE))
    assert any(posting.copies > 1 for posting in drawn.postings)


def test_a_plan_has_as_many_webhooks_as_were_asked_for(drawn: Scenario) -> None:
    of_lives = [posting for posting in drawn.of_kind(TRUE) if posting.way != claims.CLAIM]
    assert 400 <= len(of_lives) < 400 + max(len(life.steps) for _, life in EVERY_LIFE)


def test_lives_come_out_of_order_too(drawn: Scenario) -> None:
    numbers: dict[str, list[int]] = {}
    for posting in drawn.of_kind(TRUE):
        numbers.setdefault(posting.custom_id, []).append(posting.webhook)
    several = [found for found in numbers.values() if len(found) > 2]
    shuffled = [found for found in several if found != sorted(found)]
    assert 0.2 < len(shuffled) / len(several) < 0.7


def test_no_two_webhooks_of_a_plan_are_the_same_to_the_door(drawn: Scenario) -> None:
    ids = Counter(queued(one.sample).id for kind in (TRUE, ERASURE, LATE) for one in drawn.of_kind(kind))
    assert max(ids.values()) == 1


def test_a_repeat_has_the_same_bytes(drawn: Scenario) -> None:
    firsts = {posting.webhook: posting.sample.body for posting in drawn.of_kind(TRUE)}
    assert all(posting.sample.body == firsts[posting.webhook] for posting in drawn.of_kind(REPEAT))


def queued(sample: Sample) -> Webhook:
    """The webhook as the endpoint would queue it."""
    trial = trial_of(sample)
    request = trial.request(sample.body, sample.content_type)
    return trial.webhook(request, trial.summary(request))


def trial_of(sample: Sample) -> Trial:
    """The sample with the settings that it names."""
    stored = dict(sample.settings or {})
    return Trial(sample, "main", stored, checked(stored, settings_model(sample.source)))


@pytest.mark.parametrize(
    ("source", "life"), EVERY_LIFE, ids=lambda value: value if isinstance(value, str) else value.steps[0]
)
def test_the_mappings_make_of_a_life_what_the_examples_tell(source: str, life: Life) -> None:
    """What is expected comes from the `.batch.json` files; here the mappings, called directly, agree with it."""
    filled = planner().life(source, life)
    expected, found = profile_of(filled), mapped(filled)
    assert found.attributes == expected.attributes
    profile = {"attributes": found.attributes, "events": [json_event(key) for key in found.events.elements()]}
    assert judged({expected.custom_id: profile}, expected).equal == 1


def mapped(filled: list[Filled]) -> Expected:
    """The profile that the mappings, the version guard and the limits make of a life."""
    found, state, facts = Expected(""), versions.ProfileState(), dict[str, str]()
    linked: set[str] = set()
    for one in filled:
        change = trial_of(one.sample).change(queued(one.sample))
        assert not change.person.named_elsewhere or not linked or linked & set(change.person.references)
        linked |= {*change.person.references, *change.moves}
        facts |= change.remember
        events = (*change.events, *(change.completed(facts) if change.completed else ()))
        state, changes = versions.apply(state, change.groups)
        for name, value in limits.fit_attributes(changes, limits.Warnings()).items():
            found.write(name, value)
        state, unseen = versions.unseen(state, events)
        fitted = [
            limits.fit_event(event, datetime.fromtimestamp(NOW, UTC), limits.Warnings()) for event in unseen
        ]
        found.events.update(event_key(event) for event in fitted if event)
    return found


def json_event(key: str) -> dict[str, Any]:
    name, at, attributes = json.loads(key)
    return {"name": name, "attributes": attributes, **({"time": at} if at else {})}


def test_a_filled_example_names_its_new_person_and_nobody_else() -> None:
    one = template("shopify", "orders.paid").filled(Customer("k1"), NOW, NOW)
    assert b"proof.k1@example.com" in one.sample.body
    assert b"grace.okafor" not in one.sample.body
    assert b"5904000000102" not in one.sample.body


def test_the_newest_order_is_the_last_one_of_the_profile() -> None:
    life = next(life for life in LIVES["shopify"] if "orders.create@2" in life.steps)
    filled = planner().life("shopify", life)
    newest = json.loads(filled[-1].sample.body)
    expected = profile_of(filled)
    assert expected.attributes["last_order_id"] == str(newest["id"])
    assert expected.attributes["last_order_status"] == "fulfilled"


# ── Forgeries and broken bodies ─────────────────────────────────────────────────────────────────────────────

WAYS = [(source, way) for source in SOURCE_PACKAGES for way in forgeries.ways(source)]


@pytest.mark.parametrize(("source", "way"), WAYS)
def test_what_is_forged_is_proven_by_no_secret(source: str, way: str) -> None:
    one, other = (planner(seed).life(source, LIVES[source][0])[0].sample for seed in (1, 2))
    sent = DOOR.request(Posting(FORGED, 0, one, way=way, other=other), time.time())
    if way == "of_another_connection":
        assert f"/{source}/{forgeries.ELSEWHERE}" in sent.url
        return
    with pytest.raises(InvalidSignature):
        verify(source, sent, one)


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_what_is_true_is_proven(source: str) -> None:
    one = planner().life(source, LIVES[source][0])[0].sample
    verify(source, DOOR.request(Posting(TRUE, 0, one), time.time()), one)


def verify(source: str, sent: Any, sample: Sample) -> None:
    url = httpx.URL(sent.url)
    headers = {name.lower(): text for name, text in sent.headers.items()}
    address = str(url.copy_with(query=None))
    request = Request(source, "main", headers, dict(url.params), sent.body, address, sample.settings or {})
    source_of(source).verify(request, [SECRETS[source]], time.time())


def test_every_way_to_forge_and_to_break_is_in_a_large_plan() -> None:
    large = plan(1500, 5, NOW)
    assert {posting.way for posting in large.of_kind(FORGED)} == set(forgeries.WAYS)
    assert {posting.way for posting in large.of_kind(BROKEN)} == set(broken.WAYS)


@pytest.mark.parametrize("way", broken.WAYS)
def test_a_broken_body_is_another_body(way: str) -> None:
    body = template("shopify", "orders.paid").sample.body
    assert broken.WAYS[way](body, random.Random(1)) != body


def test_an_answer_of_a_form_keeps_its_type_as_batch_wants() -> None:
    """In Batch a name has one type for ever: a form whose answers change theirs is refused, and rightly."""
    large = plan(1500, 5, NOW)
    changed = {posting.sample.source for posting in large.of_kind(BROKEN) if posting.way == "wrong_types"}
    assert changed
    assert changed <= broken.SHAPED


def test_a_replay_has_the_bytes_of_a_true_webhook_under_another_topic(drawn: Scenario) -> None:
    topics = {(one.sample.source, one.sample.body): one.sample.topic for one in drawn.of_kind(TRUE)}
    for posting in drawn.of_kind(REPLAYED):
        assert topics[posting.sample.source, posting.sample.body] != posting.sample.topic


@pytest.mark.parametrize("way", NEVER_READ_AS, ids=" ".join)
def test_no_body_of_a_life_allows_a_topic_under_which_it_is_replayed(way: tuple[str, str]) -> None:
    source, start = way
    check = source_module(source, "mapping").TOPIC_CHECK
    steps = {step for life in LIVES[source] for step in life.steps}
    for step in sorted(steps):
        sample = template(source, step.partition("@")[0]).sample
        for topic in NEVER_READ_AS[way] if sample.topic.startswith(start) else ():
            trial = trial_of(replace(sample, topic=topic))
            assert check.judge(queued(replace(sample, topic=topic)), trial.settings).doubt


@pytest.mark.parametrize("source", claims.CLAIMS)
def test_who_claims_to_be_somebody_else_gets_a_profile_of_their_own(source: str) -> None:
    example, claim = claims.CLAIMS[source]
    filled = template(source, example).filled(Customer("k1"), NOW, NOW)
    claimed = changed(filled.sample, claim(filled.sample.body, "victim-1"))
    assert b"victim-1" in claimed.body
    expected, found = profile_of([filled]), mapped([replace(filled, sample=claimed)])
    assert found.attributes == expected.attributes


def test_a_replay_that_was_mapped_breaks_a_promise() -> None:
    def report_of(status: str, failure_class: str = "") -> Report:
        report = Report(seed=1, webhooks=1)
        count_receipts(report, [sent(REPLAYED, 200, "a")], {"a": receipt(status, failure_class)})
        return report

    assert "replayed_mapped" in report_of(DELIVERED).broken_promises
    assert "replayed_mapped" in report_of(PARKED, "mapping_failed").broken_promises
    assert report_of(PARKED, "topic_unconfirmed").broken_promises == []


# ── Erasures ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_asks_to_erase_some_and_to_tidy_up_after_some(drawn: Scenario) -> None:
    ways = Counter(posting.way for posting in drawn.of_kind(ERASURE))
    assert ways == {erasures.ERASE: 3, erasures.TIDY: 1}
    assert not [posting for posting in drawn.postings if posting.kind in (ERASURE, LATE)], (
        "once all has ended"
    )


@pytest.mark.parametrize("kind", ["customer", "order"])
def test_what_is_asked_of_the_shop_names_the_ids_of_all_that_it_said_of_the_person(
    drawn: Scenario, kind: str
) -> None:
    """By the references that the mappings make: what is asked is not made with them."""
    start = f"shopify:{kind}:"
    for asked in drawn.of_kind(ERASURE):
        said = [one.sample for one in drawn.of_kind(TRUE) if one.custom_id == asked.custom_id]
        known = {reference for sample in said for reference in references_of(sample) if start in reference}
        named = {reference for reference in references_of(asked.sample) if start in reference}
        assert named == known or (kind, asked.way) == ("order", erasures.TIDY)


def references_of(sample: Sample) -> tuple[str, ...]:
    change = trial_of(sample).change(queued(sample))
    return (*change.person.references, *change.moves)


def test_each_way_asks_for_what_it_says(drawn: Scenario) -> None:
    for asked in drawn.of_kind(ERASURE):
        change = trial_of(asked.sample).change(queued(asked.sample))
        assert change.privacy == {erasures.ERASE: "erase", erasures.TIDY: "housekeeping"}[asked.way]


def test_the_topic_of_an_erasure_is_confirmed_by_its_body(drawn: Scenario) -> None:
    for posting in drawn.of_kind(ERASURE):
        trial, webhook = trial_of(posting.sample), queued(posting.sample)
        assert not source_module("shopify", "mapping").TOPIC_CHECK.judge(webhook, trial.settings).doubt


def test_nobody_is_to_be_erased_whom_anybody_else_names_or_feeds(drawn: Scenario) -> None:
    sources = {(one.custom_id, one.sample.source) for one in drawn.of_kind(TRUE)}
    asked = {posting.custom_id for posting in drawn.of_kind(ERASURE)}
    assert {source for custom_id, source in sources if custom_id in asked} == {"shopify"}
    assert all(re.fullmatch("[0-9a-f]{64}", custom_id) for custom_id in asked)


def test_of_a_deleted_record_events_and_consents_stay(drawn: Scenario) -> None:
    [custom_id] = {posting.custom_id for posting in drawn.of_kind(ERASURE) if posting.way == erasures.TIDY}
    profile = drawn.profiles[custom_id]
    assert profile.attributes.keys() <= erasures.CONSENTS
    assert profile.events
    consents = {"$email_marketing": "unsubscribed"}
    before = Expected("one", {"first_name": "Ada", **consents}, Counter({"event": 1}))
    assert erasures.tidied(before) == Expected("one", consents, Counter({"event": 1}))


def test_late_webhooks_are_new_ones_of_those_who_are_erased(drawn: Scenario) -> None:
    bodies = {one.sample.body for one in drawn.of_kind(TRUE)}
    erased = {one.custom_id for one in drawn.of_kind(ERASURE) if one.way == erasures.ERASE}
    assert drawn.erased == erased == {one.custom_id for one in drawn.of_kind(LATE)}
    assert not [one for one in drawn.of_kind(LATE) if one.sample.body in bodies]


def test_a_late_webhook_that_was_not_ignored_breaks_a_promise() -> None:
    def report_of(status: str) -> Report:
        report = Report(seed=1, webhooks=1)
        count_receipts(report, [sent(LATE, 200, "a")], {"a": receipt(status)})
        return report

    assert report_of(DELIVERED).broken_promises == ["late_mapped"]
    assert report_of("ignored").broken_promises == []


def test_who_is_left_though_asked_for_breaks_a_promise() -> None:
    report = Report(seed=1, webhooks=1)
    count_erased(report, {"one", "two"}, {"two", "three"})
    assert (report.erased, report.not_erased, report.broken_promises) == (1, 1, ["not_erased"])


@pytest.mark.parametrize("left", [{}, {"attributes": {}, "events": []}], ids=["gone", "emptied"])
def test_who_is_gone_or_emptied_and_was_not_asked_for_breaks_a_promise(
    must: Expected, left: dict[str, Any]
) -> None:
    report = Report(seed=1, webhooks=1)
    count_profiles(report, judged({must.custom_id: left} if left else {}, must))
    assert "erased_wrongly" in report.broken_promises


# ── The comparison ──────────────────────────────────────────────────────────────────────────────────────────

Profiles = dict[str, dict[str, Any]]


@pytest.fixture
def must() -> Expected:
    return profile_of(planner().life("shopify", LIVES["shopify"][0]))


@pytest.fixture
def sandbox(must: Expected) -> Profiles:
    """A sandbox in which everything is as it must be."""
    events = [json_event(key) for key in must.events.elements()]
    return {must.custom_id: {"attributes": copy.deepcopy(must.attributes), "events": events}}


def judged(profiles: Profiles, must: Expected, windows: Windows | None = None, times: int = 1) -> Judgement:
    return judge(profiles, {must.custom_id: must}, {must.custom_id: times}, windows or Windows.of([], []))


def test_what_is_as_it_must_be_is_equal(sandbox: Profiles, must: Expected) -> None:
    assert judged(sandbox, must) == Judgement(compared=1, equal=1, expected_events=must.events.total())


def lose(profile: dict[str, Any]) -> None:
    profile["events"].pop()


def double(profile: dict[str, Any]) -> None:
    profile["events"].append(profile["events"][0])


def alter_an_event(profile: dict[str, Any]) -> None:
    profile["events"][0]["attributes"]["amount"] = 0.01


def move_an_event(profile: dict[str, Any]) -> None:
    profile["events"][0]["time"] = "2026-09-10T11:59:59Z"


def alter_an_attribute(profile: dict[str, Any]) -> None:
    profile["attributes"]["last_order_total"] = 0.01


def forget_an_attribute(profile: dict[str, Any]) -> None:
    del profile["attributes"]["first_name"]


def keep_an_attribute_too_many(profile: dict[str, Any]) -> None:
    profile["attributes"]["left_over"] = True


# what is done to the profile   lost, duplicated, strange, unequal
TAMPERINGS: dict[Callable[[dict[str, Any]], None], tuple[int, int, int, int]] = {
    lose: (1, 0, 0, 1),
    double: (0, 1, 0, 0),
    alter_an_event: (1, 0, 1, 1),
    move_an_event: (1, 0, 1, 1),
    alter_an_attribute: (0, 0, 0, 1),
    forget_an_attribute: (0, 0, 0, 1),
    keep_an_attribute_too_many: (0, 0, 0, 1),
}


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_whatever_is_lost_doubled_or_altered_is_noticed(
    sandbox: Profiles, must: Expected, tamper: Callable[[dict[str, Any]], None]
) -> None:
    sandbox[must.custom_id]["events"].sort(key=lambda event: "amount" not in event["attributes"])
    tamper(sandbox[must.custom_id])
    found = judged(sandbox, must)
    counts = found.lost, found.doubled_outside, found.strange, len(found.unequal)
    assert {*found.unequal, *found.doubled} == {must.custom_id}
    assert counts == TAMPERINGS[tamper]


def test_a_missing_profile_has_lost_everything(must: Expected) -> None:
    found = judged({}, must)
    assert (found.lost, found.unequal) == (must.events.total(), [must.custom_id])


def test_a_profile_that_nobody_sent_is_a_stranger(sandbox: Profiles, must: Expected) -> None:
    sandbox["somebody"] = {"attributes": {}, "events": []}
    assert judged(sandbox, must).strangers == ["somebody"]
    assert judge(sandbox, {must.custom_id: must}, {}, Windows.of([], []), ["somebody"]).strangers == []


AT = "2026-09-10T12:00:00.000Z"


def call_with(must: Expected, event: dict[str, Any], fault: str = "", status: int = 202) -> Call:
    operation = {"identifiers": {"custom_id": must.custom_id}, "events": [event]}
    answer = {"status": status, "body": {}}
    return call_of({"time": AT, "fault": fault or None, "answer": answer, "body": [operation]})


# fault and status of the first call, seconds until a delivery was killed   whether it explains a second copy
WINDOWS = [
    ("apply_then_drop", 0, None, True),
    ("reset_mid_body", 202, None, True),
    ("", 202, 1.0, True),
    ("", 202, 60.0, False),
    ("", 202, -0.01, True),
    ("", 202, -1.0, False),
    ("", 202, None, False),
    ("", 429, 1.0, False),
    ("status", 503, 1.0, False),
    ("drop_connection", 0, 1.0, False),
    ("delay_seconds", 202, None, False),
    ("delay_seconds", 202, 1.0, True),
]


@pytest.mark.parametrize(("fault", "status", "killed_after", "is_inside"), WINDOWS)
def test_a_second_copy_is_inside_the_window_only_where_the_answer_or_the_receipt_was_lost(
    sandbox: Profiles, must: Expected, fault: str, status: int, killed_after: float | None, is_inside: bool
) -> None:
    event = sandbox[must.custom_id]["events"][0]
    double(sandbox[must.custom_id])
    kills = [] if killed_after is None else [(NOW + killed_after, "DeliverFunction")]
    found = judged(sandbox, must, Windows.of([call_with(must, event, fault, status)], kills))
    assert (found.doubled_inside, found.doubled_outside) == ((1, 0) if is_inside else (0, 1))


def test_a_window_explains_one_copy_and_no_more(sandbox: Profiles, must: Expected) -> None:
    event = sandbox[must.custom_id]["events"][0]
    double(sandbox[must.custom_id])
    double(sandbox[must.custom_id])
    found = judged(sandbox, must, Windows.of([call_with(must, event, "apply_then_drop")], []))
    assert (found.doubled_inside, found.doubled_outside) == (1, 1)


def test_a_death_of_another_function_explains_nothing(sandbox: Profiles, must: Expected) -> None:
    event = sandbox[must.custom_id]["events"][0]
    double(sandbox[must.custom_id])
    found = judged(sandbox, must, Windows.of([call_with(must, event)], [(NOW + 1, "ShopifyFunction")]))
    assert found.doubled_outside == 1


def test_the_time_of_an_event_may_only_be_untold_where_the_example_tells_none() -> None:
    [filled] = planner().life("wpforms", LIVES["wpforms"][0])
    must = profile_of([filled])
    event = filled.operation["events"][0] | {"time": "2026-09-10T11:00:00Z"}
    profile = {"attributes": must.attributes, "events": [event]}
    assert judged({must.custom_id: profile}, must).equal == 1


# ── What the endpoint answered ──────────────────────────────────────────────────────────────────────────────────


def sent(kind: str, status: int, webhook_id: str = "", webhook: int = 1, source: str = "shopify") -> Sent:
    sample = planner().life(source, LIVES[source][0])[0].sample
    return Sent(Posting(kind, webhook, sample, custom_id="one"), status, webhook_id, tries=1, answered=[0.1])


def test_a_submission_without_a_number_counts_once_in_each_five_minutes() -> None:
    one = replace(sent(TRUE, 200, "a", source="form"), began=299.0, ended=299.5)
    other = replace(sent(REPEAT, 200, "b", source="form"), began=300.5, ended=301.0)
    assert at_most([one, other]) == {"one": 2}
    assert at_most([one]) == {"one": 1}
    assert at_most([sent(TRUE, 200, "a")]) == {}


def test_a_repeat_under_another_id_was_not_recognised() -> None:
    assert list(twice_named([sent(TRUE, 200, "a"), sent(REPEAT, 200, "b")])) == [1]
    assert list(twice_named([sent(TRUE, 200, "a"), sent(REPEAT, 200, "a")])) == []


# what was answered to what   the promise that it breaks
ANSWERS = [
    (FORGED, 200, "forged_accepted"),
    (FORGED, 303, "forged_accepted"),
    (FORGED, 500, "forged_unclear"),
    (FORGED, 0, "forged_unclear"),
    (FORGED, 401, None),
    (FORGED, 404, None),
    (TRUE, 401, "refused_wrongly"),
    (TRUE, 503, "refused_wrongly"),
    (REPEAT, 400, "refused_wrongly"),
    (IGNORED, 401, "refused_wrongly"),
    (BROKEN, 400, None),
    (BROKEN, 413, None),
    (BROKEN, 500, "refused_wrongly"),
    (BROKEN, 401, "refused_wrongly"),
]


@pytest.mark.parametrize(("kind", "status", "promise"), ANSWERS)
def test_an_answer_that_should_not_be_breaks_a_promise(kind: str, status: int, promise: str | None) -> None:
    report = Report(seed=1, webhooks=1)
    count_answers(report, [sent(kind, status)])
    assert report.broken_promises == ([promise] if promise else [])


def receipt(status: str, failure_class: str = "") -> Receipt:
    at = "2026-09-10T12:00:00Z"
    return Receipt("a", "shopify", "main", "orders/paid", status, at, at, failure_class=failure_class)


# kind, its receipt   the promise that it breaks
ENDS = [
    (TRUE, receipt("delivered"), None),
    (TRUE, receipt("waiting"), "unfinished"),
    (TRUE, receipt("retrying"), "unfinished"),
    (TRUE, None, "unfinished"),
    (TRUE, receipt("parked", "mapping_failed"), "parked_unexpected"),
    (BROKEN, receipt("parked", "mapping_failed"), None),
    (BROKEN, receipt("parked", "rejected_by_batch"), "parked_unexpected"),
    (BROKEN, receipt("parked", "batch_unavailable"), "parked_unexpected"),
    (BROKEN, receipt("waiting"), None),
    (BROKEN, None, "unfinished"),
]


@pytest.mark.parametrize(("kind", "ended", "promise"), ENDS)
def test_an_end_that_should_not_be_breaks_a_promise(
    kind: str, ended: Receipt | None, promise: str | None
) -> None:
    report = Report(seed=1, webhooks=1)
    count_receipts(report, [sent(kind, 200, "a")], {"a": ended} if ended else {})
    assert report.broken_promises == ([promise] if promise else [])


def test_a_run_that_delivered_nothing_has_kept_nothing() -> None:
    assert not Report(seed=1, webhooks=1).is_kept
    assert Report(seed=1, webhooks=1, delivered=1).is_kept


# ── The sender ──────────────────────────────────────────────────────────────────────────────────────────────


def sending(
    answers: Iterator[httpx.Response | Exception], posting: Posting
) -> tuple[Sent, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        one = next(answers)
        if isinstance(one, Exception):
            raise one
        return one

    async def run() -> list[Sent]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await Sender(DOOR, client).send_all([posting], 1)

    [found] = asyncio.run(run())
    return found, requests


def test_what_is_answered_5xx_or_not_at_all_is_sent_again_until_it_is_accepted() -> None:
    accepted = httpx.Response(200, json={"status": "accepted", "id": "a"})
    answers = iter([httpx.Response(503), httpx.ReadError("gone"), accepted])
    found, requests = sending(
        answers, Posting(TRUE, 1, planner().life("stripe", LIVES["stripe"][0])[0].sample)
    )
    assert (found.tries, found.status, found.webhook_id, found.is_accepted) == (3, 200, "a", True)
    assert len({request.content for request in requests}) == 1


@pytest.mark.parametrize("status", [200, 400, 401, 404, 413])
def test_what_is_answered_otherwise_is_not_sent_again(status: int) -> None:
    answers = iter([httpx.Response(status, json={"status": "accepted", "id": "a"})])
    found, requests = sending(answers, Posting(TRUE, 1, planner().life("tally", LIVES["tally"][0])[0].sample))
    assert (found.tries, len(requests)) == (1, 1)


# ── Where it may run ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    ["https://api.batch.com/2.11", "https://API.batch.com./2.11", "https://batch.com", "", "nonsense"],
)
def test_it_never_runs_against_batch_itself(address: str) -> None:
    with pytest.raises(CommandFailed, match="no Batch sandbox"):
        sandbox_of(address)


def test_the_sandbox_is_looked_into_where_calls_arrive() -> None:
    assert sandbox_of("http://127.0.0.1:8081/2.11") == "http://127.0.0.1:8081"


@pytest.mark.parametrize(
    "answer", [httpx.Response(404), httpx.Response(200, json={"routes": {}}), httpx.Response(200, text="hi")]
)
def test_it_never_runs_against_what_does_not_say_that_it_is_a_sandbox(answer: httpx.Response) -> None:
    with pytest.raises(CommandFailed, match="no Batch sandbox"):
        check_sandbox("https://somebody.example.com", httpx.MockTransport(lambda request: answer))


class FakeAws:
    """CloudFormation and Lambda of a deployed stack, as far as a proof asks them."""

    def __init__(self, batch_api_url: str) -> None:
        self.variables = {
            "BATCH_API_URL": batch_api_url,
            "QUEUE_URL": "https://sqs.example.com/webhooks.fifo",
        }

    def describe_stack_resource(self, **asked: str) -> dict[str, Any]:
        return {"StackResourceDetail": {"PhysicalResourceId": f"{asked['StackName']}-deliver"}}

    def get_function_configuration(self, **asked: str) -> dict[str, Any]:
        assert asked == {"FunctionName": "shop-deliver"}
        return {"Environment": {"Variables": self.variables}}


def deployed(batch_api_url: str) -> Stack:
    aws = FakeAws(batch_api_url)
    return Stack("shop", "https://door.example.com", "ledger", lambda service: aws, lambda *_: {})


def test_a_deployed_stack_is_asked_where_its_deliveries_go() -> None:
    assert variables_of(deployed("https://sandbox.example.com/2.11"))["QUEUE_URL"].endswith(".fifo")


def test_a_deployed_stack_that_delivers_to_batch_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(CommandFailed, match="no Batch sandbox"):
        ground(deployed("https://api.batch.com/2.11"))


# ── What it costs ───────────────────────────────────────────────────────────────────────────────────────────

ROW = re.compile(r"\| ([^|*]+?) \| ([\d.]+) \| [\d.]+ \| ([\d.]+) \|")


def test_prices_and_counted_units_are_those_of_the_documentation() -> None:
    page = Path("docs/cost.md").read_text(encoding="utf-8")
    table = page.partition("## For a million webhooks")[2].partition("**Sum**")[0]
    rows = {name: (float(units), float(price)) for name, units, price in ROW.findall(table)}
    assert {name: price for name, (_, price) in rows.items()} == {
        name: one for name, (one, _) in PRICES.items()
    }
    assert {name: rows[name][0] for name in COUNTED} == dict(COUNTED)
    assert all(link in page for _, link in PRICES.values())


def test_a_million_webhooks_like_those_of_the_page_cost_what_the_page_says() -> None:
    used = Used(
        webhooks=1_000_000,
        requests=1_000_000,
        door_invocations=1_000_000,
        door_gb_seconds=10_000,
        queue_requests=3_000_000,
        deliver_invocations=1_000_000,
        deliver_gb_seconds=150_000,
    )
    assert cost_per_million(used) == pytest.approx(12.00, abs=0.02)


# ── A whole run ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    folder = tmp_path_factory.mktemp("prove")
    with LocalStack(directory=folder / ".local", rate_limited=False) as running:
        yield running


@pytest.mark.stack
def test_outages_and_dying_functions_lose_double_and_let_in_nothing(stack: LocalStack) -> None:
    """Deliveries are not killed here: what they held comes back after three minutes, as `--kills` waits for."""
    where = ground(local_stack(stack.directory.parent))
    options = Options(
        webhooks=100, seed=11, outages=True, kills=True, concurrency=8, victims=tuple(sorted(RECEIVERS))
    )
    report = Proof(where, options).run()
    assert report.broken_promises == []
    assert report.is_kept
    assert report.outages
    assert report.kills
    assert (report.accepted, report.profiles_equal) == (report.webhooks, report.profiles_compared)
    assert report.usd_per_million_webhooks
    assert report.batch_calls_per_1000_webhooks


def test_an_event_in_a_call_is_known_by_its_profile_and_all_that_it_says(must: Expected) -> None:
    event = json_event(next(iter(must.events)))
    assert call_with(must, event).events == {digest(must.custom_id + event_key(event))}


def test_a_proof_waits_longer_than_any_delivery_is_delayed() -> None:
    longest = max(outcomes.LONGEST_DELAY_SECONDS.values()) * outcomes.SPREAD
    assert max(longest, outcomes.LONGEST_ASKED_SECONDS) < observer.PATIENCE_SECONDS
