"""Say what a shop asks for at the end of a customer's life: erase the person, or tidy up a deleted record. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.sample import Sample
from proof.expected import Expected
from proof.templates import EVENTS, Filled, changed, hashed

SOURCE = "shopify"
ERASE, TIDY = "customers.redact", "customers.delete"
OF_CUSTOMERS = frozenset({"customers/create", "customers/update"})
CONSENTS = frozenset({"$email_marketing", "$sms_marketing"})
"""What stays of the attributes when the shop deletes a record: nobody says that the person wishes it."""


@dataclass(frozen=True, slots=True)
class Shopper:
    """A customer as the shop knows them, whose profile this shop alone feeds."""

    custom_id: str
    customer_id: int
    email: str
    order_ids: tuple[int, ...]


def shopper(life: Sequence[Filled]) -> Shopper | None:
    """Return the customer of a life; None where the shop has no record of them, or a `user_id` names the profile."""
    if life[0].sample.source != SOURCE:
        return None
    custom_id = str(life[0].operation["identifiers"]["custom_id"])
    bodies = [(one.sample.topic, json.loads(one.sample.body)) for one in life]
    records = [record for topic, body in bodies if (record := record_in(topic, body))]
    orders = [body["id"] for topic, body in bodies if topic.startswith("orders/") and "id" in body]
    for record in records:
        if record.get("email") and hashed(record["email"]) == custom_id:
            return Shopper(custom_id, record["id"], record["email"].strip(), tuple(dict.fromkeys(orders)))
    return None


def record_in(topic: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the customer's record in a body, empty where it has none."""
    record = body if topic in OF_CUSTOMERS else body.get("customer")
    return dict(record) if isinstance(record, dict) and record.get("id") else {}


def redaction(body: dict[str, Any], asked: Shopper) -> dict[str, Any]:
    """Return the request to erase a customer, with all orders of theirs."""
    customer = {"id": asked.customer_id, "email": asked.email, "phone": None}
    return {**body, "customer": customer, "orders_to_redact": list(asked.order_ids)}


def deletion(body: dict[str, Any], asked: Shopper) -> dict[str, Any]:
    """Return the record of a customer who was deleted."""
    global_id = f"gid://shopify/Customer/{asked.customer_id}"
    return {**body, "id": asked.customer_id, "admin_graphql_api_id": global_id}


# the example that is changed   how
WAYS: Mapping[str, Callable[[dict[str, Any], Shopper], dict[str, Any]]] = {ERASE: redaction, TIDY: deletion}


def request(way: str, asked: Shopper) -> Sample:
    """Return what the shop sends about a customer."""
    example = Sample.load(EVENTS / SOURCE / f"{way}.json")
    return changed(example, json.dumps(WAYS[way](json.loads(example.body), asked)).encode())


def tidied(profile: Expected) -> Expected:
    """Return what stays of a profile once the shop deleted the record: events, and what was said of consent."""
    kept = {name: value for name, value in profile.attributes.items() if name in CONSENTS}
    return Expected(profile.custom_id, kept, profile.events, profile.stated)
