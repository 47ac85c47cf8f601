"""Say where a parcel is: three topics may mention the same step, and the profile gets it once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bridge.errors import Ignored
from bridge.profiles.profile_change import Event, Person, ProfileChange, Value, present
from bridge.webhook import Webhook
from functions.sources.shopify.headers import arrival, is_test
from functions.sources.shopify.payloads import Fulfillment, FulfillmentEvent
from functions.sources.shopify.references import known_by_order

# shipment status     event; any other (label_printed, confirmed, ready_for_pickup, ...) is none
STEPS = {
    "carrier_picked_up": "order_shipped",
    "in_transit": "order_shipped",
    "out_for_delivery": "order_out_for_delivery",
    "delivered": "order_delivered",
    "attempted_delivery": "order_delivery_failed",
    "failure": "order_delivery_failed",
}


def fulfillment(webhook: Webhook) -> tuple[Person, Event | None]:
    """Return whose a fulfilment is, and its event. Without a shipment status, which few carriers tell, a successful
    fulfilment is a shipped one: that is when Shopify itself writes to the buyer."""
    told = Fulfillment.model_validate_json(webhook.body)
    is_shipped = told.status == "success" and told.shipment_status is None
    name = "order_shipped" if is_shipped else STEPS.get(told.shipment_status or "")
    time = told.created_at if name == "order_shipped" else told.updated_at
    attributes: dict[str, Value] = {
        "order_id": told.order_id,
        "carrier": told.tracking_company,
        "tracking_number": told.tracking_number,
        "url(tracking)": told.tracking_url,
    }
    person = known_by_order(told.order_id, told.email)
    return person, step(name, time or arrival(webhook), attributes, told.id)


def fulfillment_event(webhook: Webhook) -> tuple[Person, Event | None]:
    """Return a step by itself: it has neither carrier nor tracking number."""
    told = FulfillmentEvent.model_validate_json(webhook.body)
    time = told.happened_at or told.created_at or arrival(webhook)
    event = step(STEPS.get(told.status or ""), time, {"order_id": told.order_id}, told.fulfillment_id)
    return known_by_order(told.order_id), event


# topic                        what reads it
TOPICS: dict[str, Callable[[Webhook], tuple[Person, Event | None]]] = {
    "fulfillments/create": fulfillment,
    "fulfillments/update": fulfillment,
    "fulfillment_events/create": fulfillment_event,
}


def to_change(webhook: Webhook) -> ProfileChange:
    """Raises Ignored for a status that is no step on the way."""
    person, event = TOPICS[webhook.topic](webhook)
    if event is None:
        raise Ignored("no step of the shipment")
    return ProfileChange(person, events=(event,), is_test=is_test(webhook), body_provenance="owner")


def step(name: str | None, time: datetime, attributes: dict[str, Value], fulfillment_id: str) -> Event | None:
    """Return the event of a step, once per fulfilment."""
    once = f"shopify:fulfillment:{fulfillment_id}:{name}"
    return Event(name, time, present(attributes), once) if name else None
