"""What the customers of a proof live through: which examples of `events/`, in which order. Tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Life:
    """Examples in the order in which they happen to one person; `@2` is another order of theirs.

    `unnamed`: the account ids in the bodies are hidden, so that the e-mail of one of them names all the others.
    """

    steps: tuple[str, ...]
    unnamed: bool = False


def lives(*steps: str) -> tuple[Life, ...]:
    """One life for each text, its steps with spaces between."""
    return tuple(Life(tuple(text.split())) for text in steps)


def single(*steps: str) -> tuple[Life, ...]:
    return tuple(Life((step,)) for step in steps)


# source   the lives of its customers
LIVES: Mapping[str, tuple[Life, ...]] = {
    "shopify": lives(
        "customers.create orders.create orders.paid orders.partially_fulfilled orders.fulfilled",
        "orders.create__shipped orders.edited fulfillment_events.create refunds.create",
        "orders.create orders.paid orders.cancelled",
        "orders.create orders.paid orders.create@2 orders.paid__presentment_currency@2 orders.fulfilled@2",
        "orders.create fulfillments.create fulfillments.update fulfillments.update__delivered orders.updated",
        "orders.create__2023-01 orders.paid",
        "checkouts.create checkouts.update",
        "customers.create__kept customer.tags_added customer.tags_removed"
        " customers.purchasing_summary customers_marketing_consent.update",
        "customers.create customers.update customers_email_marketing_consent.update"
        " customers_email_marketing_consent.update__unsubscribed",
        "orders.create__guest",
        "orders.create__user_id",
    ),
    "stripe": (
        *lives(
            "customer.subscription.created customer.subscription.trial_will_end customer.subscription.updated"
            " invoice.paid customer.subscription.updated__plan_changed"
            " customer.subscription.updated__quantity_changed customer.subscription.updated__cancel_scheduled"
            " customer.subscription.updated__cancel_reverted customer.subscription.deleted",
            "customer.subscription.created__active customer.subscription.updated__past_due"
            " customer.subscription.paused customer.subscription.resumed invoice.upcoming",
            "customer.created checkout.session.completed invoice.paid__first invoice.paid__before_basil"
            " invoice.payment_failed charge.refunded customer.updated payment_method.automatically_updated",
            "charge.dispute.created charge.dispute.closed",
        ),
        Life(
            ("customer.created", "customer.subscription.created", "customer.subscription.updated"),
            unnamed=True,
        ),
        *single(
            "checkout.session.async_payment_succeeded",
            "checkout.session.completed__guest_2022-11-15",
            "checkout.session.expired",
            "charge.refunded__full_2022-11-15",
            "customer.source.expiring",
            "invoice.paid__yen",
        ),
    ),
    "woocommerce": lives(
        "order.created order.updated order.updated__refunded",
        "order.created order.updated__completed",
        "order.created order.updated__cancelled",
        "order.created customer.created customer.updated",
        "order.created__guest",
    ),
    "typeform": single(
        "form_response",
        "form_response__consent",
        "form_response__hidden_user_id",
        "form_response__other_script",
    ),
    "tally": single("FORM_RESPONSE", "FORM_RESPONSE__consent", "FORM_RESPONSE__other_script"),
    "jotform": single("submission", "submission__area_code"),
    "webflow": single("form_submission", "form_submission__v1"),
    "hubspot": single("contact", "contact__chosen_properties"),
    "fillout": single("submission", "submission__user_id"),
    "netlify": single("submission_created", "submission_created__other_script"),
    "form": single("submission", "submission__json", "submission__latin1", "submission__multipart"),
    "gravity": single("submission", "submission__urlencoded", "submission__whole_entry"),
    "elementor": single("submission", "submission__advanced", "submission__latin1"),
    "wpforms": single("submission", "submission__other_script"),
    "wufoo": single("submission", "submission__without_structures"),
    "google": single("form_response", "form_response__other_script"),
    "custom": lives("invitee.created invitee.canceled", "invitee.created__rescheduled"),
}

# source   how often its customers are drawn; once where it is not named
SHARES = {"shopify": 6, "stripe": 4, "woocommerce": 2}

# source, how a topic begins   what places in a body name: of the life, of one order of it (#), new each time (!)
PLACES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("shopify", "orders/edited"): {"order_edit.order_id": "order#", "order_edit.id": "!"},
    ("shopify", "orders/"): {
        "id": "order#",
        "name": "name#",
        "checkout_token": "checkout#",
        "customer.id": "customer",
    },
    ("shopify", "refunds/"): {"id": "!", "order_id": "order#"},
    ("shopify", "fulfillments/"): {"id": "fulfillment#", "order_id": "order#"},
    ("shopify", "fulfillment_events/"): {
        "id": "!",
        "fulfillment_id": "fulfillment#",
        "order_id": "order#",
    },
    ("shopify", "checkouts/"): {"token": "checkout#", "customer.id": "customer"},
    ("shopify", "customers/"): {"id": "customer", "customerId": "customer"},
    ("shopify", "customer.tags"): {"customerId": "customer"},
    ("shopify", "customers_"): {"customer_id": "customer", "id": "customer"},
    ("woocommerce", "order."): {"id": "order#", "customer_id": "customer"},
    ("woocommerce", "customer."): {"id": "customer"},
    ("typeform", ""): {"event_id": "!", "form_response.token": "!"},
    ("tally", ""): {"eventId": "!", "data.responseId": "!", "data.respondentId": "!"},
    ("hubspot", ""): {"vid": "!", "properties.hs_object_id.value": "!", "hs_object_id": "!"},
    ("fillout", ""): {"submission.submissionId": "!", "submissionId": "!"},
    ("netlify", ""): {"id": "!"},
    ("webflow", ""): {"payload.id": "!", "_id": "!"},
    ("gravity", ""): {"entry_id": "!", "id": "!"},
    ("google", ""): {"responseId": "!"},
}

# source   what names things in its bodies wherever it stands, as an expression
NAMES = {
    "stripe": r"\b(?:evt|cus|sub|in|cs_live|ch|pi|du|card|pm|re|si|il|txn)_[A-Za-z0-9]{8,}",
    "custom": r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    "jotform": r'(?<=name="submissionID"\r\n\r\n)[0-9]+',
    "gravity": r"(?<=entry_id=)[0-9]+",
    "wufoo": r"(?<=EntryId=)[0-9]+",
}
# how a name of Stripe's begins   what it names
OF_THE_LIFE = {
    "cus_": "customer",
    "sub_": "subscription",
    "ch_": "charge",
    "pi_": "payment",
    "du_": "dispute",
}

# how a topic begins   attributes of it that a later webhook of the same kind takes away by not naming them
STATED_WHOLE = {"customer.subscription.": "subscription"}
