"""An erasure reaches what belongs to the id that is erased, and never what a merge, a link or an e-mail leads to."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.storage import erasures, progress
from bridge.storage.erasures import Erasure
from bridge.storage.ledger import Receipt, fact_row, link_row, receipt_row
from bridge.storage.queue import Failure
from bridge.webhook import Webhook, group_id
from functions.deliver.erasure import request, rows
from functions.deliver.erasure.reach import FED_BY_OTHERS, MOVED, NAMES_ANOTHER, OF_ANOTHER, OWNERS, SHARED
from tests.owners import owners_group, owners_person
from tests.world import KEYS, NOW, World

SHOP = {"shop_id": 1, "shop_domain": "tea-garden.myshopify.com"}
MOMENT = datetime.fromtimestamp(NOW, UTC)
FAILURE = Failure("mapping_failed", "a field", MOMENT)


def profile_of(name: str) -> str:
    """The custom id of who has the e-mail `name@example.com`."""
    return email_sha256(f"{name}@example.com") or ""


ADA, BEA, EVE = map(profile_of, ("ada", "bea", "eve"))


def customer(number: int, name: str, **fields: Any) -> dict[str, Any]:
    updated = "2026-09-01T10:00:00Z"
    return {
        "id": number,
        "email": f"{name}@example.com",
        "first_name": name.title(),
        "updated_at": updated,
        **fields,
    }


def redact(number: int, name: str, *orders: int) -> dict[str, Any]:
    """The body of a request to erase a customer."""
    return {
        **SHOP,
        "customer": {"id": number, "email": f"{name}@example.com"},
        "orders_to_redact": [*orders],
    }


def merge(kept: int, deleted: int) -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{kept}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{deleted}",
        "status": "completed",
    }


def emptied(world: World, custom_id: str) -> set[str]:
    """The attributes that Batch was told to empty of a profile."""
    return {
        name
        for operation in world.operations
        if operation["identifiers"]["custom_id"] == custom_id
        for name, value in operation.get("attributes", {}).items()
        if value is None
    }


def is_gone(world: World, custom_id: str) -> bool:
    key = f"profile#default#{custom_id}"
    return "gone_until" in world.ledger.read([key]).get(key, {})


def is_untouched(world: World, custom_id: str) -> bool:
    """Whether a profile is as it was: its state is there, and Batch emptied nothing of it."""
    state = world.ledger.state("default", custom_id)
    return bool(state.versions) and not emptied(world, custom_id) and not is_gone(world, custom_id)


def links(world: World, *references: str) -> dict[str, str]:
    """Where references lead that lead to somebody who is not erased."""
    found = world.ledger.links("default", references, world.now)
    return {reference: leads for reference, leads in found.items() if not is_gone(world, leads)}


def decisions(world: World) -> dict[str, str]:
    """Why profiles wait for a person, by custom id."""
    waiting = [one for one in erasures.every(world.ledger) if one.scope == "person" and one.is_open]
    return {one.custom_id: one.why for one in waiting}


def form(number: int, name: str, **attributes: Any) -> Webhook:
    """An answer to a form, which this test's own mapping reads."""
    return of_source("tally", number, name, attributes)


def of_source(source: str, number: int, name: str, attributes: dict[str, Any]) -> Webhook:
    return Webhook(
        id=f"{source}-{number}",
        source=source,
        connection="main",
        topic="FORM_RESPONSE",
        headers={},
        body=json.dumps({"email": f"{name}@example.com", "attributes": attributes}).encode(),
        received_at=MOMENT,
        group=group_id(source, "main", f"{name}@example.com"),
    )


def read_form(webhook: Webhook, _: Any) -> ProfileChange:
    """An event, and attributes where there are any."""
    body = json.loads(webhook.body)
    version = f"2026-09-02T{webhook.id[-2:].strip('-').zfill(2)}:00:00Z"
    groups = (owners_group("form", version, body["attributes"]),) if body["attributes"] else ()
    return ProfileChange(owners_person(email=body["email"]), groups, (Event("form_submitted", None),))


@pytest.fixture(autouse=True)
def forms(world: World) -> None:
    world.mappers["tally"] = read_form


# ── Whose a profile is ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def merged(world: World, shopify: Any) -> World:
    """Customers 181 and 182, of whom 181 is kept."""
    world.deliver(shopify("customers/create", 1, **customer(181, "ada")))
    world.deliver(shopify("customers/create", 2, **customer(182, "bea")))
    world.deliver(shopify("customers/merge", 3, **merge(181, 182)))
    return world


@pytest.mark.parametrize("topic", ["customers/delete", "customers/redact"])
def test_who_is_kept_in_a_merge_stays_when_who_was_merged_is_deleted(
    merged: World, shopify: Any, topic: str
) -> None:
    body = redact(182, "bea") if topic == "customers/redact" else {"id": 182, "addresses": []}
    body |= {} if topic == "customers/redact" else {"tax_exemptions": []}
    assert merged.deliver(shopify(topic, 10, **body)) == []
    receipt = merged.ledger.receipt("webhook-10")
    assert receipt is not None
    assert receipt.status == "delivered"
    assert is_untouched(merged, ADA)
    assert links(merged, "shopify:customer:181", "shopify:customer:182") == {"shopify:customer:181": ADA}
    assert "first_name" in emptied(merged, BEA), "what 182 was before the merge is 182's"
    assert is_gone(merged, BEA) == (topic == "customers/redact")
    assert decisions(merged) == ({ADA: MOVED} if topic == "customers/redact" else {})


def test_who_is_kept_goes_with_what_was_merged_into_it(merged: World, shopify: Any) -> None:
    merged.deliver(shopify("customers/redact", 10, **redact(181, "ada")))
    assert is_gone(merged, ADA)
    assert links(merged, "shopify:customer:181", "shopify:customer:182") == {}
    assert is_untouched(merged, BEA)


def test_after_two_merges_each_id_is_still_known_by_its_own_profile(merged: World, shopify: Any) -> None:
    merged.deliver(shopify("customers/create", 4, **customer(180, "eve")))
    merged.deliver(shopify("customers/merge", 5, **merge(180, 181)))
    merged.deliver(shopify("customers/merge", 6, **merge(181, 182), again=True))
    merged.deliver(shopify("customers/redact", 10, **redact(182, "bea")))
    assert is_gone(merged, BEA)
    assert is_untouched(merged, ADA)
    assert is_untouched(merged, EVE)


def test_a_deletion_that_overtakes_its_merge_leaves_who_is_kept(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(181, "ada")))
    world.deliver(shopify("customers/delete", 2, id=182, addresses=[], tax_exemptions=[]))
    world.deliver(shopify("customers/merge", 3, **merge(181, 182)))
    world.deliver(shopify("customers/delete", 4, id=182, addresses=[], tax_exemptions=[], late=True))
    assert is_untouched(world, ADA)


def test_an_order_that_leads_to_somebody_else_takes_nothing_of_theirs(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("orders/create", 2, id=9, total_price="1.00", customer=customer(2, "bea")))
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada", 9)))
    assert is_gone(world, ADA)
    assert is_untouched(world, BEA)
    assert links(world, "shopify:customer:2", "shopify:order:9") == {"shopify:customer:2": BEA}
    assert decisions(world) == {BEA: NAMES_ANOTHER}


def test_a_checkout_that_became_somebody_elses_order_is_theirs(world: World, shopify: Any) -> None:
    world.deliver(shopify("checkouts/create", 1, token="t", customer=customer(1, "ada")))
    order = {"id": 9, "total_price": "1.00", "checkout_token": "t", "customer": customer(2, "bea")}
    world.deliver(shopify("orders/create", 2, **order))
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada")))
    assert is_gone(world, ADA)
    assert is_untouched(world, BEA)
    assert links(world, "shopify:checkout:t", "shopify:order:9") == {
        "shopify:checkout:t": BEA,
        "shopify:order:9": BEA,
    }


def test_the_e_mail_of_a_request_takes_nothing_of_who_has_it_now(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("customers/create", 2, **customer(2, "bea")))
    world.queue.park(shopify("orders/paid", 3, group="customer:2", email="bea@example.com"), FAILURE)
    world.deliver(shopify("customers/redact", 10, **redact(1, "bea")))
    assert is_gone(world, ADA)
    assert is_untouched(world, BEA)
    assert [one.id for one in world.parked()] == ["webhook-3"]
    assert decisions(world) == {BEA: OF_ANOTHER}


def test_the_e_mails_profile_that_another_tool_fed_is_left_for_a_person(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(form(1, "bea", city="Lyon"))
    world.deliver(shopify("customers/redact", 10, **redact(1, "bea")))
    assert is_untouched(world, BEA)
    assert decisions(world) == {BEA: OF_ANOTHER}


def test_two_customers_of_one_profile_are_not_erased_for_each_other(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("customers/create", 2, **customer(2, "ada")))
    world.queue.park(shopify("orders/paid", 3, group="customer:1", customer={"id": 1}), FAILURE)
    world.queue.park(shopify("orders/paid", 4, group="customer:2", email="ada@example.com"), FAILURE)
    for topic, body in (
        ("customers/delete", {"id": 1, "addresses": [], "tax_exemptions": []}),
        ("customers/redact", redact(1, "ada")),
    ):
        assert world.deliver(shopify(topic, len(topic), **body)) == []
        assert is_untouched(world, ADA)
        assert links(world, "shopify:customer:1", "shopify:customer:2") == {"shopify:customer:2": ADA}
        world.ledger.commit([link_row("default", "shopify:customer:1", ADA, learnt_by="shopify/main")])
    assert decisions(world) == {ADA: SHARED}
    assert [one.id for one in world.ledger.receipts_of("default", ADA)] == ["webhook-2"]
    assert [one.id for one in world.parked()] == ["webhook-4"]


def test_a_request_to_see_what_is_held_shows_nobody_elses(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("customers/create", 2, **customer(2, "bea", tags="vip")))
    asked = {**SHOP, "customer": {"id": 1, "email": "bea@example.com"}, "orders_requested": []}
    world.deliver(shopify("customers/data_request", 10, **asked))
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert "first_name" in receipt.attributes
    assert "shopify_tags" not in receipt.attributes


# ── Who else fed it ─────────────────────────────────────────────────────────────────────────────────────


def refuse_all(world: World) -> None:
    world.batch.refuse = lambda operation: True


def be_away(world: World) -> None:
    world.batch.answers = [httpx.Response(503)]


@pytest.mark.parametrize("trouble", [None, refuse_all, be_away])
def test_whoever_was_heard_of_a_person_fed_the_profile_also_with_an_event_alone(
    world: World, shopify: Any, trouble: Callable[[World], None] | None
) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    if trouble:
        trouble(world)
    world.deliver(form(1, "ada"))
    world.batch.refuse = lambda operation: False
    world.now += 61
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada")))
    assert not is_gone(world, ADA)
    assert decisions(world) == {ADA: FED_BY_OTHERS}


def test_a_profile_with_a_user_id_of_the_owners_loses_what_the_shop_wrote_and_a_person_decides(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = [{"key": "user_id", "value": "1042"}]
    world.deliver(shopify("customers/create", 1, **customer(1, "ada", metafields=fields)))
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada")))
    assert not is_gone(world, "1042")
    assert "first_name" in emptied(world, "1042")
    assert world.ledger.state("default", "1042").versions == {}
    assert decisions(world) == {"1042": OWNERS}
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert receipt.reason.endswith("1 profiles are left for a person to decide on")
    assert "1042" not in receipt.reason
    assert capsys.readouterr().out.count('"cause":"erasure_needs_decision"') == 1


def test_an_owners_id_is_the_owners_also_where_it_looks_like_a_digest(world: World, shopify: Any) -> None:
    fields = [{"key": "user_id", "value": EVE}]
    world.deliver(shopify("customers/create", 1, **customer(1, "ada", metafields=fields)))
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada")))
    assert (is_gone(world, EVE), decisions(world)) == (False, {EVE: OWNERS})


PAID_BACK = {"kind": "refund", "status": "success", "amount": "1.00", "currency": "EUR"}
CONSENT = {
    "email_marketing_consent": {"state": "subscribed", "consent_updated_at": "2026-09-01T10:00:00Z"},
    "default_address": {"city": "Lyon", "zip": "69003"},
}


def of_two_sources(world: World, shopify: Any) -> None:
    """Ada as her shop and a form know her: the form was first with her name, and last with her city."""
    world.deliver(form(1, "ada", first_name="A.", company="Tea & Co"))
    world.deliver(shopify("customers/create", 1, **customer(1, "ada", updated_at="2026-09-03", **CONSENT)))
    world.deliver(shopify("orders/create", 2, id=9, total_price="1.00", currency="EUR", customer={"id": 1}))
    webhook = form(5, "ada", city="Paris")
    later = json.loads(webhook.body) | {"attributes": {"city": "Paris"}}
    world.mappers["tally"] = lambda *_: ProfileChange(
        owners_person(email="ada@example.com"),
        (owners_group("form", "2026-09-04T00:00:00Z", later["attributes"]),),
    )
    world.deliver(webhook)
    world.queue.park(shopify("orders/paid", 3, group="customer:1", customer={"id": 1}), FAILURE)
    world.queue.park(form(6, "ada", city="Rome"), FAILURE)


def test_a_shared_profile_loses_what_the_shop_wrote_last_and_nothing_of_the_others(
    world: World, shopify: Any
) -> None:
    of_two_sources(world, shopify)
    assert world.deliver(shopify("customers/redact", 10, **redact(1, "ada", 9))) == []
    lost = emptied(world, ADA)
    assert {"first_name", "zip_code", "$email_address", "last_order_id"} <= lost
    assert lost.isdisjoint({"city", "company"})
    assert world.operations[-1]["attributes"]["$email_marketing"] == "unsubscribed"
    state = world.ledger.state("default", ADA)
    assert set(state.writers) == {"city", "company"}
    assert {name for name in state.versions if not name.startswith("$")} == {"city", "company"}
    assert {one.source for one in world.ledger.receipts_of("default", ADA)} == {"tally"}
    assert links(world, "shopify:customer:1", "shopify:order:9") == {}
    assert [key for key in world.ledger.keys_of("default", ADA) if key.startswith("fact#")] == []
    assert [one.id for one in world.parked()] == ["tally-6"]


def test_late_webhooks_of_the_shop_do_not_bring_it_back_and_the_other_tool_goes_on(
    world: World, shopify: Any
) -> None:
    of_two_sources(world, shopify)
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada", 9)))
    calls = len(world.batch.calls)
    world.deliver(shopify("customers/update", 11, **customer(1, "ada", updated_at="2026-09-09")))
    world.deliver(shopify("refunds/create", 12, id=7, order_id=9, transactions=[PAID_BACK]))
    for number in (11, 12):
        receipt = world.ledger.receipt(f"webhook-{number}")
        assert receipt is not None
        assert (receipt.status, receipt.reason, receipt.custom_id) == ("ignored", "erased person", "")
    assert len(world.batch.calls) == calls
    world.mappers["tally"] = read_form
    world.deliver(form(20, "ada", first_name="Ada"))
    assert world.operations[-1]["attributes"] == {"first_name": "Ada"}


def test_the_same_erasure_again_is_done_again_and_asks_a_person_once(
    world: World, shopify: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    of_two_sources(world, shopify)
    for _ in range(2):
        assert world.deliver(shopify("customers/redact", 10, **redact(1, "ada", 9))) == []
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert receipt.status == "delivered"
    assert list(decisions(world)) == [ADA]
    assert capsys.readouterr().out.count('"cause":"erasure_needs_decision"') == 1


def test_what_a_person_confirms_is_erased_whole_whoever_fed_it(world: World, shopify: Any) -> None:
    of_two_sources(world, shopify)
    world.deliver(shopify("customers/redact", 10, **redact(1, "ada", 9)))
    erasure = one_waiting(world)
    assert erasures.begin(world.ledger, erasure)
    assert world.deliver(request.carrying_out(erasure, MOMENT)) == []
    assert is_gone(world, ADA)
    assert world.parked() == []
    done = erasures.one(world.ledger, erasure.id)
    assert done is not None
    assert (done.status, done.custom_id) == ("done", "")


def one_waiting(world: World) -> Erasure:
    [erasure] = [one for one in erasures.every(world.ledger) if one.is_open]
    return erasure


# ── A deleted record ────────────────────────────────────────────────────────────────────────────────────

DELETED = {"id": 1, "addresses": [], "tax_exemptions": []}


def asked_of_batch(world: World) -> list[str]:
    """The GDPR requests that Batch gets from now on."""
    asked: list[str] = []

    def batch(request: httpx.Request) -> httpx.Response:
        if "/gdpr/" not in request.url.path:
            return world.batch(request)
        asked.append(json.loads(request.content)["request_type"])
        return httpx.Response(201)

    world.gdpr = batch
    world.secrets.store("batch/default", KEYS | {"app_keys": ["app-ios"]})
    return asked


def test_a_deleted_record_leaves_consents_and_what_others_wrote_and_erases_nobody(
    world: World, shopify: Any
) -> None:
    asked = asked_of_batch(world)
    of_two_sources(world, shopify)
    parked = {one.id for one in world.parked()}
    assert world.deliver(shopify("customers/delete", 10, **DELETED)) == []
    assert asked == []
    lost = emptied(world, ADA)
    assert {"zip_code", "last_order_id"} <= lost
    assert lost.isdisjoint({"first_name", "city", "company", "$email_marketing"})
    state = world.ledger.state("default", ADA)
    assert state.consents == {"$email_marketing": "subscribed"}
    assert "zip_code" not in state.versions
    assert links(world, "shopify:customer:1", "shopify:order:9") == {}
    assert {one.source for one in world.ledger.receipts_of("default", ADA)} == {"tally", "shopify"}
    assert ({one.id for one in world.parked()}, decisions(world)) == (parked, {})
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert (receipt.status, receipt.custom_id, receipt.references) == ("delivered", "", ())


def test_who_is_deleted_as_a_record_comes_back_with_the_next_webhook(world: World, shopify: Any) -> None:
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("customers/delete", 10, **DELETED))
    world.deliver(shopify("customers/update", 11, **customer(1, "ada")))
    assert world.operations[-1]["attributes"]["first_name"] == "Ada"
    assert links(world, "shopify:customer:1") == {"shopify:customer:1": ADA}


def test_a_setting_reads_a_deleted_record_as_the_persons_wish(world: World, shopify: Any) -> None:
    asked = asked_of_batch(world)
    world.parameters.write("shopify", "main", {"customers_delete": "erase"})
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    world.deliver(shopify("customers/delete", 10, **DELETED))
    assert (asked, is_gone(world, ADA)) == (["remove"], True)


# ── Somebody of whom there is very much ─────────────────────────────────────────────────────────────────


def much_of(world: World, count: int) -> None:
    """Ada with so many receipts, and an order with its total for each."""
    receipt = Receipt(
        id="",
        source="shopify",
        connection="main",
        topic="orders/paid",
        status="delivered",
        received_at="2026-09-09T10:00:00Z",
        finished_at="2026-09-09T10:00:01Z",
        project="default",
        custom_id=ADA,
    )
    for number in range(count):
        order = f"shopify:order:{number}"
        world.ledger.commit(
            [
                receipt_row(replace(receipt, id=f"many-{number}")),
                link_row("default", order, ADA, learnt_by="shopify/main"),
                fact_row("default", f"{order}:total:EUR", "1.00", ADA, learnt_by="shopify/main"),
            ]
        )


def test_of_whom_there_is_very_much_is_erased_page_by_page_going_on_where_it_was(
    world: World, shopify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE_ROWS", 10)
    asked = asked_of_batch(world)
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    much_of(world, 30)
    read = 0
    kept = world.ledger.page_at

    def page_at(*given: Any, **named: Any) -> Any:
        nonlocal read
        found = kept(*given, **named)
        read += len(found[0])
        return found

    world.ledger.page_at = page_at  # type: ignore[method-assign]
    wish, rounds = shopify("customers/redact", 10, **redact(1, "ada")), 0
    while rounds < 20:
        answers = iter([True])
        world.has_time = lambda answers=answers: next(answers, False)  # type: ignore[misc]
        if not world.deliver(wish, receive_count=rounds + 1):
            break
        assert 2 <= world.delays["handle-webhook-10"] <= 3
        rounds += 1
    assert rounds == 9
    assert asked == ["remove"], "Batch is asked once"
    receipt = world.ledger.receipt("webhook-10")
    assert receipt is not None
    assert "deleted: 31 receipts, 31 links, 30 facts" in receipt.reason
    assert {key.partition("#")[0] for key in world.ledger.keys_of("default", ADA)} == {"link"}
    assert links(world, "shopify:order:7", "shopify:customer:1") == {}
    assert progress.load(world.ledger, "webhook-10") == {}
    assert read < 5 * 92, "no round begins anew"


def test_a_page_takes_as_much_memory_whatever_else_there_is(
    world: World, shopify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "PAGE_ROWS", 10)
    world.deliver(shopify("customers/create", 1, **customer(1, "ada")))
    much_of(world, 120)
    peaks = []
    client, kept = world.ledger.client, rows.Rows.delete_page

    def delete_page(self: Any, *given: Any) -> Any:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found = kept(self, *given)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
        return found

    monkeypatch.setattr(rows.Rows, "delete_page", delete_page)
    tracemalloc.start()
    try:
        assert world.deliver(shopify("customers/redact", 10, **redact(1, "ada"))) == []
    finally:
        tracemalloc.stop()
    assert world.ledger.client is client
    assert len(peaks) > 30
    assert max(peaks[5:]) < 3 * sorted(peaks)[len(peaks) // 2]
