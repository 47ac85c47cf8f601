"""A visitor never subscribes who is known to have unsubscribed: the person is asked, and what they confirm counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.batch.limits import Warnings, fit_event
from bridge.profiles.identity import email_sha256
from bridge.profiles.profile_change import Event, ProfileChange
from bridge.profiles.versions import ProfileState
from bridge.receiving import consent_links
from bridge.receiving.consent_links import CONFIRMED, Confirmation
from bridge.settings import ConnectionSettings
from bridge.webhook import Webhook, group_id
from functions.deliver import consents
from functions.deliver.delivery import Delivery, Message, Outcome
from functions.deliver.erasure import request
from tests.owners import owners_group, owners_person
from tests.world import NOW, MakeWebhook, World

SECRET = "confirm-secret"
ADA = "ada@example.com"
ADAS = str(email_sha256(ADA))
API = "https://hooks.example.com"
NAMED = {"consent_fields": {"newsletter": "email", "texts": "sms"}}
TICK = {"email": ADA, "form_id": "footer", "form_name": "Footer", "newsletter": "on"}
numbers = count(1)


@pytest.fixture
def forms(world: World) -> World:
    """A stack with a plain form whose boxes are named."""
    world.parameters.write("form", "main", NAMED)
    return world


def form(world: World, fields: dict[str, Any], secret: str = SECRET) -> Webhook:
    """A plain form as the receiver queues it."""
    identifier = f"{next(numbers):032x}"
    return Webhook(
        id=identifier,
        source="form",
        connection="main",
        topic="submission",
        headers={"content-type": "application/json"},
        body=json.dumps(fields).encode(),
        received_at=datetime.fromtimestamp(world.now, UTC),
        group=group_id("form", "main", ADA),
        confirm_key=consent_links.webhook_key(secret, "form", "main", identifier) if secret else "",
    )


def states(shopify: MakeWebhook, state: str, at: float, channel: str = "email", phone: str = "") -> Webhook:
    """What the shop's own record of Ada says of her consent."""
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    consent = {"state": state, "consent_updated_at": moment}
    if channel == "email":
        topic, body = (
            "customers_email_marketing_consent/update",
            {
                "customer_id": 7,
                "email_address": ADA,
                "email_marketing_consent": consent,
            },
        )
    else:
        topic, body = (
            "customers_marketing_consent/update",
            {
                "id": 7,
                "phone": phone,
                "sms_marketing_consent": consent,
            },
        )
    return replace(shopify(topic, 0, **body), id=f"{next(numbers):032x}")


def deliver(world: World, *webhooks: Webhook) -> None:
    """Deliver each in an invocation of its own, a second apart."""
    for webhook in webhooks:
        assert world.deliver(webhook) == []
        world.now += 1


def consent(world: World, name: str = "$email_marketing", custom_id: str = ADAS) -> str | None:
    """The consent as Batch has it."""
    written = [
        operation["attributes"][name]
        for operation in world.operations
        if operation["identifiers"]["custom_id"] == custom_id and name in operation.get("attributes", {})
    ]
    return written[-1] if written else None


def sent(world: World, name: str) -> list[dict[str, Any]]:
    """The attributes of all events of a name that Batch was sent."""
    events = [event for operation in world.operations for event in operation.get("events", [])]
    return [event["attributes"] for event in events if event["name"] == name]


def pressed(world: World, link: str, at: float | None = None) -> Webhook:
    """What the receiver queues once the button of the link is pressed."""
    token = link.removeprefix(f"{API}/form/main/confirm/")
    now = world.now if at is None else at
    confirmation = consent_links.read(token, SECRET, "form", "main", now)
    return consent_links.confirmed(confirmation, "form", "main", now)


def asked_link(world: World) -> str:
    """The newest link that Batch was sent."""
    return str(sent(world, "consent_requested")[-1]["url(confirm)"])


def reasons(world: World, *webhooks: Webhook) -> list[tuple[str, str]]:
    receipts = [world.ledger.receipt(webhook.id) for webhook in webhooks]
    return [(receipt.status, receipt.reason) for receipt in receipts if receipt]


# ── The person is asked ─────────────────────────────────────────────────────────────────────────────────────


def test_a_tick_subscribes_who_is_not_known_to_have_unsubscribed(forms: World) -> None:
    deliver(forms, form(forms, TICK))
    assert consent(forms) == "subscribed"
    assert sent(forms, "consent_requested") == []


def test_a_tick_of_who_unsubscribed_asks_and_changes_nothing(forms: World, shopify: MakeWebhook) -> None:
    tick = form(forms, TICK)
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), tick)
    [request] = sent(forms, "consent_requested")
    assert consent(forms) == "unsubscribed"
    assert request == {
        "channel": "email",
        "url(confirm)": request["url(confirm)"],
        "date(expires_at)": "2026-09-17T12:00:01Z",
        "form_id": "footer",
        "form_name": "Footer",
        "box": "newsletter",
    }
    assert len(sent(forms, "form_submitted")) == 1
    assert len(request["url(confirm)"]) < 120
    assert ADA not in request["url(confirm)"]


def test_confirmed_by_its_link_the_person_is_subscribed_with_the_proof(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    forms.now += 3600
    deliver(forms, pressed(forms, asked_link(forms)))
    assert consent(forms) == "subscribed"
    [operation] = forms.batch.calls[-1]
    [event] = operation["events"]
    assert operation["identifiers"] == {"custom_id": ADAS}
    assert (event["name"], event["time"]) == ("consent_confirmed", "2026-09-10T13:00:02Z")
    assert event["attributes"] == {
        "channel": "email",
        "address_sha256": ADAS,
        "date(requested_at)": "2026-09-10T12:00:01Z",
        "form_id": "footer",
        "form_name": "Footer",
        "box": "newsletter",
    }


def test_each_channel_is_asked_and_confirmed_by_itself(forms: World, shopify: MakeWebhook) -> None:
    deliver(
        forms,
        states(shopify, "unsubscribed", NOW - 60),
        states(shopify, "unsubscribed", NOW - 60, "sms", "+33612345678"),
        form(forms, {**TICK, "texts": "on"}),
    )
    by_email, by_sms = sent(forms, "consent_requested")
    assert (by_email["channel"], by_sms["channel"]) == ("email", "sms")
    deliver(forms, pressed(forms, by_sms["url(confirm)"]))
    assert consent(forms, "$sms_marketing") == "subscribed"
    assert consent(forms) == "unsubscribed"


def test_pressing_twice_is_once(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    link = asked_link(forms)
    deliver(forms, pressed(forms, link), pressed(forms, link, forms.now + 5))
    assert len(sent(forms, "consent_confirmed")) == 1


def test_a_person_is_asked_once_a_day_and_anew_after_they_withdraw(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK), form(forms, TICK))
    assert len(sent(forms, "consent_requested")) == 1
    forms.now += 24 * 3600
    deliver(forms, form(forms, TICK))
    assert len(sent(forms, "consent_requested")) == 2
    deliver(forms, pressed(forms, asked_link(forms)))
    deliver(forms, states(shopify, "unsubscribed", forms.now), form(forms, TICK))
    assert len(sent(forms, "consent_requested")) == 3


def test_a_box_that_was_ticked_before_the_withdrawal_asks_nothing(forms: World, shopify: MakeWebhook) -> None:
    tick = form(forms, TICK)
    deliver(forms, states(shopify, "unsubscribed", NOW + 60), tick)
    assert consent(forms) == "unsubscribed"
    assert sent(forms, "consent_requested") == []


def test_with_the_setting_resubscribe_a_tick_subscribes(world: World, shopify: MakeWebhook) -> None:
    world.parameters.write("form", "main", {**NAMED, "resubscribe": True})
    deliver(world, states(shopify, "unsubscribed", NOW - 60), form(world, TICK))
    assert consent(world) == "subscribed"
    assert sent(world, "consent_requested") == []


def test_with_the_setting_resubscribe_nothing_else_of_a_visitor_becomes_an_owners() -> None:
    attributes = {"$email_marketing": "subscribed", "$email_address": "eve@example.com", "city": "Paris"}
    group = owners_group("custom", "2026-09-10", attributes, provenance="visitor")
    settings = ConnectionSettings(resubscribe=True)
    webhook = Profile().webhook("a" * 32, "submission", b"")
    delivery = Delivery(
        MESSAGE, webhook, settings, ProfileChange(owners_person(), groups=(group,)), custom_id=ADAS
    )
    state = ProfileState(consents={"$email_marketing": "unsubscribed"})
    consents.weigh(delivery, state, {}, API, datetime.fromtimestamp(NOW, UTC))
    stated = {name: group.provenance for group in delivery.change.groups for name in group.attributes}
    assert stated == {"$email_marketing": "owner", "$email_address": "visitor", "city": "visitor"}


def test_with_the_setting_resubscribe_a_withdrawal_since_the_tick_still_counts(
    world: World, shopify: MakeWebhook
) -> None:
    world.parameters.write("form", "main", {**NAMED, "resubscribe": True})
    tick = form(world, TICK)
    deliver(world, states(shopify, "unsubscribed", NOW + 60), tick)
    assert consent(world) == "unsubscribed"


def test_settings_name_the_events_and_leave_them_out(world: World, shopify: MakeWebhook) -> None:
    events = {"consent_requested": "please_confirm", "consent_confirmed": None}
    world.parameters.write(
        "form", "main", {**NAMED, "events": events, "prefix": "web_", "brand": "Ada’s Teas"}
    )
    deliver(world, states(shopify, "unsubscribed", NOW - 60), form(world, TICK))
    [request] = sent(world, "web_please_confirm")
    token = request["url(confirm)"].rpartition("/")[2]
    assert consent_links.read(token, SECRET, "form", "main", NOW + 60).brand == "Ada’s Teas"
    deliver(world, pressed(world, request["url(confirm)"]))
    assert consent(world) == "subscribed"
    assert sent(world, "web_consent_confirmed") == []


def test_a_dry_run_shows_what_would_be_asked(forms: World, shopify: MakeWebhook) -> None:
    from functions.deliver.preview import previewed

    deliver(forms, states(shopify, "unsubscribed", NOW - 60))
    envelope = json.loads(forms.queue.envelope(form(forms, TICK)))
    [shown] = previewed(forms.pipeline(), [envelope])
    assert [event["name"] for event in shown["call"]["events"]] == ["form_submitted", "consent_requested"]
    assert "$email_marketing" not in shown["call"].get("attributes", {})


# ── Nobody is asked at an address that is not the person's own ──────────────────────────────────────────────


OWNERS, VISITORS_ONE = "0" * 64, "!" + "0" * 64


@pytest.mark.parametrize(
    ("channel", "addresses", "custom_id", "email", "own"),
    [
        ("sms", {"$phone_number": OWNERS}, ADAS, ADA, OWNERS),
        ("sms", {"$phone_number": VISITORS_ONE}, ADAS, ADA, None),
        ("sms", {}, ADAS, ADA, None),
        ("sms", {"$phone_number": ""}, ADAS, ADA, None),
        ("sms", {"$email_address": OWNERS}, ADAS, ADA, None),
        ("email", {"$email_address": OWNERS}, "1042", "eve@example.com", OWNERS),
        ("email", {"$email_address": VISITORS_ONE}, "1042", "eve@example.com", None),
        ("email", {"$email_address": f"!{ADAS}"}, ADAS, ADA, ADAS),
        ("email", {"$email_address": VISITORS_ONE}, ADAS, ADA, None),
        ("email", {}, ADAS, ADA, ADAS),
        ("email", {}, "1042", "eve@example.com", None),
        ("email", {}, ADAS, None, None),
    ],
)
def test_nobody_is_asked_at_an_address_that_only_a_visitor_stated(
    channel: str, addresses: dict[str, str], custom_id: str, email: str | None, own: str | None
) -> None:
    name = consents.ATTRIBUTES[channel][0]
    group = owners_group("consent", "2026-09-10", {name: "subscribed"}, provenance="visitor")
    change = ProfileChange(owners_person(email=email), groups=(group,))
    webhook = Profile().webhook("a" * 32, "submission", b"")
    delivery = Delivery(MESSAGE, webhook, PROJECT, change, custom_id=custom_id)
    state = ProfileState(consents={name: "unsubscribed"}, addresses=addresses)
    consents.weigh(delivery, state, {}, API, datetime.fromtimestamp(NOW, UTC))
    asked = [event.name for event in delivery.change.events]
    assert asked == (["consent_requested"] if own else [])
    warned = [str(warning) for warning in delivery.warnings.found]
    assert warned == ([] if own else [f"consent_not_asked:{channel}:no_address_of_their_own"])
    assert own is None or own in json.dumps(delivery.rows)
    assert delivery.change.groups == ()


def test_without_a_secret_for_links_nobody_is_asked_and_the_receipt_says_so(
    forms: World, shopify: MakeWebhook
) -> None:
    tick = form(forms, TICK, secret="")
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), tick)
    receipt = forms.ledger.receipt(tick.id)
    assert receipt is not None
    assert receipt.warnings == ("consent_not_asked:email:no_confirm_secret",)
    assert (consent(forms), sent(forms, "consent_requested")) == ("unsubscribed", [])


def test_a_link_for_an_address_that_has_changed_since_subscribes_nobody(
    forms: World, shopify: MakeWebhook
) -> None:
    tick = form(forms, {"email": ADA, "form_id": "footer", "form_name": "Footer", "texts": "on"})
    deliver(forms, states(shopify, "unsubscribed", NOW - 60))
    deliver(forms, states(shopify, "unsubscribed", NOW - 60, "sms", "+33612345678"), tick)
    change = shopify(
        "customers/update", 90, id=7, email=ADA, phone="+33687654321", updated_at="2026-09-10T12:30:00Z"
    )
    click = pressed(forms, asked_link(forms))
    deliver(forms, replace(change, id="f" * 32), click)
    assert consent(forms, "$phone_number") == "+33687654321"
    assert consent(forms, "$sms_marketing") == "unsubscribed"
    assert reasons(forms, click) == [("ignored", consents.ADDRESS_CHANGED)]


# ── A withdrawal that is newer than the link wins ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("comes_first", ["withdrawal", "click"])
def test_a_withdrawal_after_the_link_was_made_wins_also_where_the_click_is_newer(
    forms: World, shopify: MakeWebhook, comes_first: str
) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    made_at = forms.now
    click = pressed(forms, asked_link(forms), made_at + 600)
    withdrawal = states(shopify, "unsubscribed", made_at + 300)
    forms.now += 900
    deliver(forms, *([withdrawal, click] if comes_first == "withdrawal" else [click, withdrawal]))
    assert consent(forms) == "unsubscribed"
    if comes_first == "withdrawal":
        assert reasons(forms, click) == [("ignored", consents.WITHDRAWN)]
        assert sent(forms, "consent_confirmed") == []


def test_a_withdrawal_from_before_the_link_that_comes_late_does_not(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    deliver(forms, pressed(forms, asked_link(forms)), states(shopify, "unsubscribed", NOW - 30))
    assert consent(forms) == "subscribed"


def test_a_visitors_withdrawal_of_the_year_9999_is_none_of_the_future(
    forms: World, shopify: MakeWebhook
) -> None:
    settings = {
        "verify": {"scheme": "token", "header": "x-token"},
        "provenance": "visitor",
        "time": "at",
        "person": {"email": "email"},
        "mapping": [{"attributes": {"$email_marketing": "state"}}],
    }
    forms.parameters.write("custom", "main", settings)
    body = {"email": ADA, "state": "unsubscribed", "at": "9999-01-01T00:00:00Z"}
    withdrawal = replace(form(forms, body), source="custom")
    deliver(forms, withdrawal)
    assert consent(forms) == "unsubscribed"
    deliver(forms, states(shopify, "subscribed", NOW + 60))
    assert consent(forms) == "subscribed"


# ── Links are good for what was asked alone ─────────────────────────────────────────────────────────────────


def test_a_link_of_which_nothing_is_known_waits_and_is_let_go(forms: World) -> None:
    confirmation = Confirmation("a" * 32, "email", datetime.fromtimestamp(forms.now, UTC))
    click = consent_links.confirmed(confirmation, "form", "main", forms.now)
    deliver(forms, click)
    assert [waiting["id"] for waiting in forms.waiting()] == [click.id]
    forms.now += 25 * 3600
    deliver(forms, replace(click, waits=1))
    assert reasons(forms, click) == [("ignored", "nobody was named in time")]
    assert forms.operations == []


def test_a_link_for_a_channel_that_was_not_asked_for_subscribes_nobody(
    forms: World, shopify: MakeWebhook
) -> None:
    tick = form(forms, TICK)
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), tick)
    confirmation = Confirmation(tick.id, "sms", datetime.fromtimestamp(forms.now, UTC))
    deliver(forms, consent_links.confirmed(confirmation, "form", "main", forms.now))
    assert consent(forms, "$sms_marketing") is None
    assert consent(forms) == "unsubscribed"


def test_a_link_of_somebody_who_was_erased_subscribes_nobody(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    click = pressed(forms, asked_link(forms))
    asked = request.forget("default", ADAS, "test", datetime.fromtimestamp(forms.now, UTC), ADA)
    deliver(forms, asked)
    before = len(forms.operations)
    deliver(forms, click)
    assert len(forms.operations) == before


def test_a_confirmed_consent_that_is_none_is_parked(forms: World) -> None:
    confirmation = Confirmation("a" * 32, "email", datetime.fromtimestamp(forms.now, UTC))
    click = consent_links.confirmed(confirmation, "form", "main", forms.now)
    for body in (b"", b"{}", b"[]", b'{"webhook_id": 1, "channel": 2, "made_at": 3}'):
        deliver(forms, replace(click, id=f"{next(numbers):032x}", body=body))
    assert {parked.failure.failure_class for parked in forms.parked()} == {"mapping_failed"}


def test_a_connection_did_not_speak_by_a_button(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, states(shopify, "unsubscribed", NOW - 60), form(forms, TICK))
    deliver(forms, pressed(forms, asked_link(forms)))
    assert CONFIRMED not in forms.connections.known("form", "main").topics


# ── Whatever comes in whatever order ────────────────────────────────────────────────────────────────────────

PROJECT = ConnectionSettings()
Step = tuple[str, int, str]
"""Who, at which second, and what: `owner` states, `visitor` ticks or withdraws, `click` presses the newest link."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["owner", "visitor"]),
        st.integers(0, 9),
        st.sampled_from(["subscribed", "unsubscribed"]),
    )
    | st.tuples(st.just("click"), st.integers(0, 9), st.just("subscribed")),
    max_size=8,
)


class Profile:
    """A profile as deliver keeps it, with the links that were sent; the clock goes on by a minute with each step."""

    def __init__(self) -> None:
        self.state = ProfileState()
        self.rows: dict[str, str] = {}
        self.links: list[Confirmation] = []
        self.now = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=1)
        self.value: Any = None
        self.withdrawn = ""

    def take(self, who: str, second: int, value: str) -> Outcome | None:
        """Deliver one webhook; returns how it ended, if not as usual."""
        self.now += timedelta(minutes=1)
        delivery = self.click() if who == "click" else self.statement(who, second, value)
        if delivery is None:
            return None
        consents.weigh(delivery, self.state, {}, API, self.now)
        if delivery.outcome is None:
            self.state = delivery.fit(self.state, self.now)
            self.value = delivery.attributes.get("$email_marketing", self.value)
            self.keep(delivery)
        return delivery.outcome

    def statement(self, who: Any, second: int, value: str) -> Delivery:
        version = f"2026-09-10T12:00:{second:02}.000000"
        group = owners_group("consent_email", version, {"$email_marketing": value}, provenance=who)
        webhook = self.webhook(f"{next(numbers):032x}", "submission", b"")
        return Delivery(
            MESSAGE,
            webhook,
            PROJECT,
            ProfileChange(owners_person(email=ADA), groups=(group,)),
            custom_id=ADAS,
        )

    def click(self) -> Delivery | None:
        if not self.links:
            return None
        webhook = consent_links.confirmed(self.links[-1], "form", "main", self.now.timestamp())
        return Delivery(
            MESSAGE, webhook, PROJECT, consents.to_change(webhook, PROJECT, self.rows), custom_id=ADAS
        )

    def webhook(self, identifier: str, topic: str, body: bytes) -> Webhook:
        key = consent_links.webhook_key(SECRET, "form", "main", identifier)
        return Webhook(identifier, "form", "main", topic, {}, body, self.now, "group", confirm_key=key)

    def keep(self, delivery: Delivery) -> None:
        """Remember what is asked, and the link where Batch is sent it."""
        for row in delivery.rows:
            if "value" in row:
                self.rows[row["pk"]["S"].removeprefix("fact#default#")] = row["value"]["S"]
        for event in delivery.events:
            if event["name"] == consents.REQUEST_EVENT:
                token = event["attributes"]["url(confirm)"].rpartition("/")[2]
                now = self.now.timestamp()
                self.links.append(consent_links.read(token, SECRET, "form", "main", now))


MESSAGE = Message("", "", "", "group", "", 1, datetime.fromtimestamp(NOW, UTC))


@given(STEPS)
@example([("owner", 1, "unsubscribed"), ("visitor", 2, "subscribed")])
@example([("visitor", 1, "unsubscribed"), ("visitor", 2, "subscribed")])
def test_no_visitor_makes_subscribed_of_a_known_unsubscribed(steps: list[Step]) -> None:
    profile = Profile()
    for step in steps:
        before = profile.value
        profile.take(*step)
        if step[0] == "visitor" and before == "unsubscribed":
            assert profile.value == "unsubscribed"


@given(STEPS)
def test_who_withdrew_is_subscribed_again_by_an_owner_or_a_click_on_a_link_made_since(
    steps: list[Step],
) -> None:
    """A model of the rules: of all that owners state, that visitors withdraw, and that was confirmed, the newest."""
    profile = Profile()
    binding: list[tuple[str, str]] = []
    ticks: list[tuple[str, str]] = []
    for who, second, value in steps:
        link = profile.links[-1] if profile.links else None
        outcome = profile.take(who, second, value)
        version = f"2026-09-10T12:00:{second:02}.000000"
        if who == "click":
            if link is not None and outcome is None:
                binding.append((link.made_at.replace(tzinfo=None).isoformat(timespec="microseconds"), value))
        elif who == "owner" or value == "unsubscribed":
            binding.append((version, value))
        else:
            ticks.append((version, value))
        newest = max((version for version, _ in binding), default="")
        allowed = {stated for version, stated in binding if version == newest} or {
            stated for _, stated in ticks
        }
        assert profile.value in (allowed or {None})


def test_the_link_fits_what_batch_takes_of_an_event(forms: World, shopify: MakeWebhook) -> None:
    link = f"https://{'a' * 60}.example.com/woocommerce/{'c' * 63}/confirm/{'t' * 250}"
    warnings = Warnings()
    fitted = fit_event(Event("consent_requested", None, {"url(confirm)": link}), datetime.now(UTC), warnings)
    assert fitted is not None
    assert (fitted["attributes"], warnings.found) == ({"url(confirm)": link}, [])
