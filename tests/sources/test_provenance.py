"""Nothing that a visitor can fill in arrives as an owner's word, and an owner speaks only where a table says so.

A mapping that forgets provenance speaks for a visitor. One that speaks for an owner needs a line in OWNERS, and the
markers that stand in every place of VISITORS must not be in what it says then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.errors import BridgeError
from bridge.profiles import normalise
from bridge.profiles.identity import MOMENT, as_stated, in_time
from bridge.profiles.profile_change import AttributeGroup, Person, ProfileChange
from bridge.settings import ConnectionSettings, checked
from bridge.webhook import Webhook
from functions.deliver.overrides import overridden
from functions.deliver.pipeline import believed
from functions.sources.registry import SOURCE_PACKAGES, settings_model, source_module
from functions.sources.stripe.mapping import TOPICS as STRIPE_TOPICS
from tests.conftest import SAMPLES
from tests.sources.test_every_source import EXAMPLES, Example, source_of
from tests.sources.test_samples_to_batch import FOLDERS, files, settings_of

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
Content = dict[str, Any]
FORMS = frozenset(
    source for source, package in SOURCE_PACKAGES.items() if package == "functions.sources.forms"
)


# ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Body:
    """A JSON body as its tool sends it, with the settings of its connection."""

    name: str
    example: Example

    @property
    def content(self) -> Content:
        content: Content = json.loads(self.example.body)
        return content

    def change(
        self, content: object | None = None, received_at: datetime = NOW, **settings: Any
    ) -> ProfileChange | None:
        """Return what the connection believes of the body, or of another content; None of what says nothing."""
        source = self.example.source
        body = self.example.body if content is None else json.dumps(content).encode()
        kept = source_of(source).kept_headers
        headers = {name: text for name, text in self.example.headers.items() if name in kept}
        webhook = Webhook("0" * 32, source, "main", self.example.topic, headers, body, received_at, "group")
        model = checked({**self.example.settings, **settings}, settings_model(source))
        try:
            mapped = source_module(source, "mapping").to_change(webhook, model)
            return believed(overridden(mapped, model, webhook), model, webhook)
        except (BridgeError, ValidationError):
            return None


def example_bodies() -> Iterator[Body]:
    for path in EXAMPLES:
        yield Body(f"{path.parent.name}/{path.stem}", Example.read(path))


def sample_bodies() -> Iterator[Body]:
    for path in files(SAMPLES):
        source, preset = FOLDERS[path.parent.name]
        example = replace(Example.read(path), source=source, settings=settings_of(source, preset))
        yield Body(f"{path.parent.name}/{path.stem}", example)


def is_mapped(body: Body) -> bool:
    """Whether the source's receiver lets the topic through; forms and custom tools have no list of them."""
    known = getattr(source_module(body.example.source, "receiver"), "TOPICS", None)
    return known is None or body.example.topic in known


BODIES = [body for body in (*example_bodies(), *sample_bodies()) if is_mapped(body)]
each_body = pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)


# ── Who speaks as owner ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Owner:
    """Topics of a source under which an owner speaks, why, and in which bodies."""

    source: str
    topics: frozenset[str]
    reason: str
    says: Callable[[Content], bool] = lambda content: True


def topics(text: str) -> frozenset[str]:
    return frozenset(text.split())


def is_paid_order(content: Content) -> bool:
    """Whether somebody paid for an order: one that costs nothing is `paid` too."""
    is_paid = content.get("financial_status") in ("paid", "partially_refunded", "refunded")
    in_shop = ((content.get("total_price_set") or {}).get("shop_money") or {}).get("amount")
    totals = (content.get("total_price"), in_shop, content.get("current_total_price"))
    return is_paid and is_more_than_nothing(next((total for total in totals if total is not None), None))


def is_more_than_nothing(amount: Any) -> bool:
    return amount is not None and float(amount) > 0


def is_paid_session(content: Content) -> bool:
    session = content["data"]["object"]
    return session.get("payment_status") == "paid" and is_more_than_nothing(session.get("amount_total"))


SHOPIFY_PURCHASES = topics(
    "orders/create orders/paid orders/updated orders/partially_fulfilled orders/fulfilled orders/cancelled"
    " checkouts/create checkouts/update"
)
STRIPE_CHECKOUTS = frozenset(topic for topic in STRIPE_TOPICS if topic.startswith("checkout."))
OWNERS = (
    Owner(
        "shopify",
        topics(
            "customers/create customers/update customers/enable customers/disable customers/merge customers/delete"
            " customers/redact customers/data_request customer.tags_added customer.tags_removed"
            " customers/purchasing_summary customers_email_marketing_consent/update"
            " customers_marketing_consent/update"
        ),
        "the shop's own record of its customer",
    ),
    Owner(
        "shopify",
        topics(
            "refunds/create orders/edited fulfillments/create fulfillments/update fulfillment_events/create"
        ),
        "the shop's staff gave money back, changed an order or sent a parcel",
    ),
    Owner("shopify", SHOPIFY_PURCHASES, "somebody paid for what was typed at the checkout", is_paid_order),
    Owner(
        "shopify",
        SHOPIFY_PURCHASES,
        "the shop's own record of the customer stands within",
        lambda content: bool((content.get("customer") or {}).get("id")),
    ),
    Owner(
        "stripe",
        frozenset(STRIPE_TOPICS) - STRIPE_CHECKOUTS - {"charge.refunded"},
        "Stripe's own record of a customer, made or charged by the owner's server",
    ),
    Owner(
        "stripe",
        frozenset({"charge.refunded"}),
        "the owner took money and gave it back",
        lambda content: bool(content["data"]["object"].get("captured")),
    ),
    Owner("stripe", STRIPE_CHECKOUTS, "somebody paid", is_paid_session),
    Owner(
        "woocommerce", topics("customer.created customer.updated"), "the shop's own record of its customer"
    ),
    Owner(
        "woocommerce",
        topics("order.created order.updated"),
        "somebody paid for what was typed at the checkout",
        lambda content: (
            bool(content.get("date_paid_gmt") or content.get("date_paid"))
            and is_more_than_nothing(content.get("total"))
        ),
    ),
)
"""Sources that are not here say nothing as an owner; `custom` does only with its setting `provenance`."""


def spoken_as_owner(change: ProfileChange) -> list[str]:
    """Return the names of all that arrives as an owner's: identifiers, contact values, consents, attributes."""
    person = change.person
    ids = [name for name in ("user_id", "email", "source_id", "references") if getattr(person, name)]
    own = ids if person.provenance == "owner" else []
    return own + [name for group in change.groups if group.provenance == "owner" for name in group.attributes]


def may_own(body: Body, content: Content | None = None) -> bool:
    """Whether the table lets an owner speak in this body."""
    source = body.example.source
    if source == "custom":
        return bool(body.example.settings.get("provenance") == "owner")
    told = [one for one in OWNERS if one.source == source and body.example.topic in one.topics]
    return bool(told) and any(one.says(content or body.content) for one in told)


@each_body
def test_an_owner_speaks_only_where_the_table_says_so(body: Body) -> None:
    change = body.change()
    if change and not may_own(body):
        assert spoken_as_owner(change) == []


def test_every_line_of_the_table_is_met_by_a_body() -> None:
    """A line that no body shows is a rule that nobody has seen."""
    met = {
        owner.reason
        for body in BODIES
        for owner in OWNERS
        if owner.source == body.example.source
        and body.example.topic in owner.topics
        and owner.says(body.content)
        and (change := body.change()) is not None
        and (spoken_as_owner(change) or change.person.provenance == "owner")
    }
    assert met == {owner.reason for owner in OWNERS}


def test_a_mapping_that_forgets_provenance_speaks_for_a_visitor() -> None:
    forgetful = ProfileChange(
        Person(user_id="1042", email="ada@example.com", references=("acme:contact:1",)),
        groups=(
            AttributeGroup("customer", "2", {"$email_address": "ada@example.com"}),
            AttributeGroup("plan", "2", {"plan": "pro"}, member="sub_1", rank="1"),
        ),
    )
    settings = ConnectionSettings(added_attributes={"city": "city"})
    webhook = Webhook("0" * 32, "acme", "main", "any", {}, b'{"city": "Paris"}', NOW, "group")
    change = as_stated(overridden(forgetful, settings, webhook), settings, is_proven=False)
    assert [group.name for group in change.groups] == ["customer", "plan", "added"]
    assert spoken_as_owner(change) == []


# ── What a visitor can fill in ──────────────────────────────────────────────────────────────────────────

MARKER = "Marker of a visitor"
EMAIL, PHONE, NUMBER = "visitor@marker.example", "+3545812345", 424242
# what a field is called   the marker that its reader takes for one
MARKERS: Mapping[str, Any] = {
    "email": EMAIL,
    "phone": PHONE,
    "country": "IS",
    "locale": "is-IS",
}
SEEN_AS = {MARKER, EMAIL, PHONE, "IS", "is", str(NUMBER), hashlib.sha256(EMAIL.encode()).hexdigest()}
ADDRESS = (
    "first_name last_name name address1 address2 phone city zip postcode province country country_code email"
)


def marker_for(name: str) -> Any:
    """Return a marker that the reader of a field of this name takes."""
    return next((marker for word, marker in MARKERS.items() if word in name.lower()), MARKER)


def filled(content: Any, name: str = "") -> Any:
    """Return a JSON value with a marker in place of each text and number."""
    if isinstance(content, dict):
        return {inner: filled(value, inner) for inner, value in content.items()}
    if isinstance(content, list):
        return [filled(value, name) for value in content]
    return content if content is None or isinstance(content, bool) else marker_for(name)


def typed_address() -> Content:
    return {name: marker_for(name) for name in ADDRESS.split()}


def cart_fields() -> Content:
    """Return note and cart attributes, which any buyer can set, whether they pay or not."""
    names = [
        "user_id",
        "email",
        "phone",
        "first_name",
        "$email_address",
        "$email_marketing",
        "shopify_customer_id",
    ]
    return {
        "note": MARKER,
        "note_attributes": [{"name": name, "value": marker_for(name)} for name in names],
        "landing_site": MARKER,
        "referring_site": MARKER,
    }


def in_shopify(body: Body) -> Iterator[Content]:
    """Yield a purchase with markers in its cart; then one that is not paid, with all that is typed at a checkout."""
    if body.example.topic not in SHOPIFY_PURCHASES:
        return
    content = body.content | cart_fields()
    items = [item | {"properties": [{"name": "user_id", "value": MARKER}]} for item in content["line_items"]]
    yield content | {"line_items": items}
    typed = {
        "financial_status": "pending",
        "email": EMAIL,
        "contact_email": EMAIL,
        "phone": PHONE,
        "customer_locale": "is-IS",
        "shipping_address": typed_address(),
        "billing_address": typed_address(),
    }
    unpaid = content | typed
    yield unpaid
    yield unpaid | {"customer": None}
    yield unpaid | {"customer": {"id": None, "email": EMAIL, "phone": PHONE, "first_name": MARKER}}
    yield unpaid | {"financial_status": "paid", "total_price": "0.00", "customer": None}
    left_out = {"total_price": None, "total_price_set": None, "current_total_price": "0.00"}
    yield unpaid | left_out | {"financial_status": "paid", "customer": None}


def in_stripe(body: Body) -> Iterator[Content]:
    """Yield a checkout with a visitor's reference; then one that nobody paid, of nobody whom Stripe knows."""
    if body.example.topic not in STRIPE_CHECKOUTS:
        return
    content = body.content
    session = content["data"]["object"]
    answers = [{"key": "user_id", "text": {"value": MARKER}}]
    claimed = session | {"client_reference_id": MARKER, "custom_fields": answers, "payment_link": "plink_1"}
    details = {"email": EMAIL, "phone": PHONE, "name": MARKER, "address": typed_address()}
    unpaid = claimed | {"customer_details": details, "customer_email": EMAIL, "customer": None}
    for one in (
        claimed,
        claimed | {"payment_link": None},
        unpaid | {"payment_status": "unpaid", "consent": {"promotions": "opt_in"}},
        unpaid | {"payment_status": "no_payment_required", "consent": {"promotions": "opt_in"}},
        unpaid | {"payment_status": "no_payment_required", "amount_total": 0, "customer": "cus_1"},
        unpaid | {"payment_status": "paid", "amount_total": 0, "consent": {"promotions": "opt_in"}},
    ):
        yield content | {"data": content["data"] | {"object": one}}


def in_woocommerce(body: Body) -> Iterator[Content]:
    """Yield an order with a customer's note; then one that nobody paid, with all that is typed at a checkout."""
    if not body.example.topic.startswith("order."):
        return
    content = body.content | {"customer_note": MARKER}
    yield content
    typed = {
        "billing": typed_address(),
        "shipping": typed_address(),
        "date_paid": None,
        "date_paid_gmt": None,
    }
    yield content | typed | {"status": "pending"}
    yield content | typed | {"status": "on-hold", "customer_id": 0}
    yield content | typed | {"status": "processing", "payment_method": "cod"}
    yield content | typed | {"status": "completed", "payment_method": "cod"}
    yield content | typed | {"status": "refunded"}
    yield content | typed | {"date_paid_gmt": "2026-09-03T12:02:40", "total": "0.00"}


def everything(body: Body) -> Iterator[Content]:
    """Yield a body in which a visitor fills in all that there is."""
    if body.example.headers.get("content-type", "").startswith("application/json"):
        yield body.content
        yield filled(body.content)


# source    bodies with a marker in every place that a visitor can fill in; elsewhere that is everywhere
VISITORS: Mapping[str, Callable[[Body], Iterator[Content]]] = {
    "shopify": in_shopify,
    "stripe": in_stripe,
    "woocommerce": in_woocommerce,
}


def marked(value: object) -> bool:
    """Whether a marker is in a value."""
    if isinstance(value, Mapping):
        return any(marked(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(marked(inner) for inner in value)
    text = str(value)
    return text in SEEN_AS or any(marker in text for marker in (MARKER, EMAIL))


def markers_of_owner(change: ProfileChange) -> list[str]:
    """Return the names of the places in which a marker arrives as an owner's word."""
    person = change.person
    ids = ("user_id", "email", "source_id", "references", "customer")
    found = [name for name in ids if person.provenance == "owner" and marked(getattr(person, name))]
    found += ["moves"] if marked(change.moves) else []
    return found + [
        name
        for group in change.groups
        for name, value in group.attributes.items()
        if group.provenance == "owner" and marked(value)
    ]


@each_body
def test_no_marker_of_a_visitor_arrives_as_an_owners_word(body: Body) -> None:
    for content in VISITORS.get(body.example.source, everything)(body):
        change = body.change(content)
        if change is not None and body.example.settings.get("provenance") != "owner":
            assert markers_of_owner(change) == []


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Before all that any body states."""


def moments_after_receipt(change: ProfileChange) -> list[str]:
    """Return what a visitor states of a moment after `LONG_AGO`."""
    latest = normalise.sortable(LONG_AGO)
    late = [
        group.name
        for group in change.groups
        if group.provenance == "visitor"
        and any(moment > latest for moment in MOMENT.findall(group.version + group.rank))
    ]
    events = change.events if change.person.provenance == "visitor" else ()
    return late + [event.name for event in events if event.time and event.time > LONG_AGO]


@each_body
def test_no_visitor_states_a_moment_after_the_receipt(body: Body) -> None:
    for content in VISITORS.get(body.example.source, everything)(body):
        change = body.change(content, LONG_AGO)
        if change is not None:
            assert moments_after_receipt(change) == []


def test_a_moment_after_the_receipt_is_not_what_no_body_states() -> None:
    """Sources whose bodies have visitors' moments: the test before this would see them."""
    stating = {
        body.example.source
        for body in BODIES
        for content in VISITORS.get(body.example.source, everything)(body)
        if (change := body.change(content)) is not None and moments_after_receipt(change)
    }
    assert {"custom", "shopify", "stripe", "woocommerce", "typeform"} <= stating


def test_a_moment_of_an_owner_is_left_as_it_is() -> None:
    version = "2026-09-11T00:00:00.000000|consent"
    group = AttributeGroup("customer", version, {"$email_marketing": "subscribed"}, provenance="owner")
    change = ProfileChange(Person(provenance="owner"), groups=(group,))
    assert in_time(change, NOW) == change


def test_of_a_visitors_version_all_but_its_moments_stays() -> None:
    version, rank = (
        "9999-01-01T00:00:00.000000|2026-09-10T11:00:00.000000|response",
        "9998-01-01T00:00:00.000000",
    )
    group = AttributeGroup("customer", version, {"city": "Kiel"}, member="one", rank=rank)
    [held] = in_time(ProfileChange(Person(), groups=(group,)), NOW).groups
    now = "2026-09-10T12:00:00.000000"
    assert (held.version, held.rank) == (f"{now}|2026-09-10T11:00:00.000000|response", now)


# source         expressions that settings may have for what a visitor fills in
READ_BY_SETTINGS = {
    "shopify": (
        "note",
        "note_attributes[0].value",
        "note_attributes[?name=='user_id'].value | [0]",
        "line_items[0].properties[0].value",
        "values(@)[?@=='Marker of a visitor'] | [0]",
        "to_string(@)",
        "landing_site",
    ),
    "stripe": ("data.object.client_reference_id", "data.object.custom_fields[0].text.value", "to_string(@)"),
    "woocommerce": ("customer_note", "to_string(@)"),
}
TYPED = {
    "shopify": ("email", "phone", "shipping_address.city", "billing_address.first_name", "customer_locale"),
    "stripe": ("data.object.customer_details.name", "data.object.customer_details.phone"),
    "woocommerce": ("billing.city", "billing.email", "shipping.first_name"),
}
each_visited = pytest.mark.parametrize(
    "body", [body for body in BODIES if body.example.source in VISITORS], ids=lambda body: body.name
)


@each_visited
def test_nor_by_what_the_settings_read_off_the_body(body: Body) -> None:
    source = body.example.source
    paths = (*READ_BY_SETTINGS[source], *TYPED[source])
    for content in VISITORS[source](body):
        change = body.change(
            content, added_attributes={f"a{place}": path for place, path in enumerate(paths)}
        )
        if change is not None:
            assert markers_of_owner(change) == []


def test_what_a_paid_order_says_is_the_owners_for_the_settings_too() -> None:
    [body] = [body for body in BODIES if body.name == "shopify/orders.paid"]
    change = body.change(added_attributes={"ship_to": "shipping_address.city", "note": "note"})
    assert change is not None
    assert "ship_to" in spoken_as_owner(change)


@pytest.mark.parametrize("source", sorted(VISITORS))
def test_the_markers_are_read_at_all(source: str) -> None:
    """A marker that no mapping reads would find nothing."""
    bodies = [body for body in BODIES if body.example.source == source]
    changes = [body.change(content) for body in bodies for content in VISITORS[source](body)]
    stated = [group.attributes for change in changes if change for group in change.groups]
    claimed = [(one.person.email, one.person.claimed_user_id) for one in changes if one]
    assert any(marked(one) for one in claimed)
    assert any(marked(one) for one in stated) or source == "stripe"


def test_every_source_of_forms_is_a_visitors_whole() -> None:
    assert not {owner.source for owner in OWNERS} & FORMS


@pytest.mark.parametrize("source", sorted(FORMS))
def test_no_member_of_a_group_is_a_visitors(source: str) -> None:
    """The profile shows one of several members: no form states any."""
    changes = [body.change() for body in BODIES if body.example.source == source]
    assert all(group.member is None for change in changes if change for group in change.groups)


def test_the_samples_are_read() -> None:
    assert len({body.example.source for body in BODIES}) == len(SOURCE_PACKAGES)
    assert Path(SAMPLES).is_dir()
