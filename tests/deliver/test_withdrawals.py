"""Who has withdrawn a consent is known by the address: another profile with it is asked too, and never subscribed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from bridge.profiles.identity import email_sha256
from bridge.profiles.versions import digest_of
from bridge.storage.ledger import RECEIPT_DAYS, AddressConsent
from bridge.webhook import Webhook
from functions.deliver import consents
from functions.deliver.erasure import request
from tests.deliver.test_consents import (
    ADA,
    ADAS,
    NAMED,
    TICK,
    asked_link,
    consent,
    deliver,
    form,
    forms,
    numbers,
    pressed,
    reasons,
    sent,
    states,
)
from tests.world import NOW, MakeWebhook, World

__all__ = ["forms"]

PHONE = "+33612345678"


def record(
    shopify: MakeWebhook,
    state: str | None,
    at: float = NOW - 60,
    *,
    user_id: str = "U-7001",
    email: str | None = ADA,
    channel: str = "email",
    **fields: Any,
) -> Webhook:
    """The shop's record of a customer that names their profile by a user id."""
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    body: dict[str, Any] = {
        "id": 7,
        "email": email,
        "created_at": "2026-09-01T08:00:00Z",
        "updated_at": moment,
        "metafields": [{"key": "user_id", "value": user_id}],
    }
    if state:
        body[f"{channel}_marketing_consent"] = {"state": state, "consent_updated_at": moment}
    return replace(shopify("customers/update", 0, **body | fields), id=f"{next(numbers):032x}")


class Failing:
    """A client of DynamoDB that notes what is asked, and fails so where a consent of an address is written."""

    def __init__(self, client: Any, failure: ClientError | None) -> None:
        self.client, self.failure = client, failure
        self.exceptions = client.exceptions
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.asked.append(json.dumps(arguments, default=str))
            if self.failure and name == "update_item" and "consent#" in json.dumps(arguments["Key"]):
                raise self.failure
            return getattr(self.client, name)(**arguments)

        return call


def rows(world: World) -> dict[str, dict[str, Any]]:
    """What is known of addresses, by channel and digest."""
    found = world.ledger.client.scan(TableName=world.ledger.table)["Items"]
    return {
        row["pk"]["S"].removeprefix("consent#default#"): row
        for row in found
        if row["pk"]["S"].startswith("consent#")
    }


def known(world: World) -> dict[str, str]:
    return {address: row["consent"]["S"] for address, row in rows(world).items()}


# ── Another profile with the address ────────────────────────────────────────────────────────────────────────


def test_a_tick_for_an_address_that_withdrew_on_another_profile_asks_and_subscribes_nobody(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, record(shopify, "unsubscribed"), form(forms, TICK))
    assert consent(forms, custom_id="U-7001") == "unsubscribed"
    assert consent(forms, custom_id=ADAS) is None
    [request] = sent(forms, "consent_requested")
    assert request["channel"] == "email"


def test_so_it_is_within_one_batch(forms: World, shopify: MakeWebhook) -> None:
    assert forms.deliver(record(shopify, "unsubscribed"), form(forms, TICK)) == []
    assert consent(forms, custom_id=ADAS) is None
    assert len(sent(forms, "consent_requested")) == 1


def test_so_it_is_for_a_phone_that_another_profile_shows(forms: World, shopify: MakeWebhook) -> None:
    withdrawal = record(shopify, "unsubscribed", channel="sms", phone=PHONE, email=None)
    tick = form(forms, {"email": "eve@example.com", "phone": PHONE, "texts": "on"})
    deliver(forms, withdrawal, tick)
    assert consent(forms, "$sms_marketing", str(email_sha256("eve@example.com"))) is None
    receipt = forms.ledger.receipt(tick.id)
    assert receipt is not None
    assert receipt.warnings == ("consent_not_asked:sms:no_address_of_their_own",)


def test_a_channel_that_was_not_withdrawn_is_subscribed(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, record(shopify, "unsubscribed", channel="sms", phone=PHONE), form(forms, TICK))
    assert consent(forms, custom_id=ADAS) == "subscribed"


def test_an_address_that_comes_to_a_profile_after_its_withdrawal_is_known_too(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(
        forms,
        record(shopify, "unsubscribed", email="old@example.com"),
        record(shopify, None, NOW - 30),
        form(forms, TICK),
    )
    assert known(forms) == {
        f"email#{email_sha256('old@example.com')}": "unsubscribed",
        f"email#{ADAS}": "unsubscribed",
    }
    assert consent(forms, custom_id=ADAS) is None
    assert len(sent(forms, "consent_requested")) == 1


def test_a_visitors_withdrawal_is_known_by_its_address_too(forms: World) -> None:
    settings = {
        "verify": {"scheme": "token", "header": "x-token"},
        "person": {"email": "email"},
        "mapping": [{"attributes": {"$email_marketing": "state"}}],
    }
    forms.parameters.write("custom", "main", settings)
    body = {"email": ADA, "state": "unsubscribed"}
    deliver(forms, replace(form(forms, body), source="custom"))
    assert known(forms) == {f"email#{ADAS}": "unsubscribed"}


def test_a_tick_from_before_the_withdrawal_that_comes_late_subscribes_and_asks_nobody(
    forms: World, shopify: MakeWebhook
) -> None:
    tick = form(forms, TICK)
    deliver(forms, record(shopify, "unsubscribed", NOW + 60), tick)
    assert consent(forms, custom_id=ADAS) is None
    assert sent(forms, "consent_requested") == []


def test_with_the_setting_resubscribe_a_tick_subscribes_another_profile(
    forms: World, shopify: MakeWebhook
) -> None:
    forms.parameters.write("form", "main", {**NAMED, "resubscribe": True})
    deliver(forms, record(shopify, "unsubscribed"), form(forms, TICK))
    assert consent(forms, custom_id=ADAS) == "subscribed"
    assert known(forms) == {f"email#{ADAS}": "subscribed"}


# ── What ends it ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_newer_consent_of_an_owner_ends_it(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, record(shopify, "unsubscribed"), record(shopify, "subscribed", NOW - 30))
    [row] = rows(forms).values()
    assert row["consent"]["S"] == "subscribed"
    assert int(row["expires_at"]["N"]) == int(forms.now - 1 + RECEIPT_DAYS * 24 * 3600)
    deliver(forms, form(forms, TICK))
    assert consent(forms, custom_id=ADAS) == "subscribed"


def test_an_older_consent_of_an_owner_on_another_profile_does_not(forms: World, shopify: MakeWebhook) -> None:
    older = record(shopify, "subscribed", NOW - 90, id=8, user_id="U-8")
    deliver(forms, record(shopify, "unsubscribed"), older)
    assert consent(forms, custom_id="U-8") == "subscribed"
    assert known(forms) == {f"email#{ADAS}": "unsubscribed"}


def test_a_withdrawal_that_comes_late_does_not_end_what_ended_it(forms: World, shopify: MakeWebhook) -> None:
    deliver(
        forms,
        record(shopify, "unsubscribed"),
        record(shopify, "subscribed", NOW - 30),
        record(shopify, "unsubscribed", NOW - 45),
    )
    assert known(forms) == {f"email#{ADAS}": "subscribed"}


def test_what_the_person_confirms_ends_it_and_a_newer_withdrawal_begins_it_again(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, record(shopify, "unsubscribed"), form(forms, TICK))
    deliver(forms, pressed(forms, asked_link(forms)))
    assert consent(forms, custom_id=ADAS) == "subscribed"
    assert known(forms) == {f"email#{ADAS}": "subscribed"}
    deliver(forms, record(shopify, "unsubscribed", forms.now))
    [row] = rows(forms).values()
    assert (row["consent"]["S"], "expires_at" in row) == ("unsubscribed", False)


def test_a_withdrawal_on_another_profile_since_the_link_was_made_wins(
    forms: World, shopify: MakeWebhook
) -> None:
    deliver(forms, record(shopify, "unsubscribed"), form(forms, TICK))
    link = asked_link(forms)
    forms.now += 600
    deliver(forms, record(shopify, "unsubscribed", forms.now))
    click = pressed(forms, link)
    deliver(forms, click)
    assert consent(forms, custom_id=ADAS) is None
    assert reasons(forms, click) == [("ignored", consents.WITHDRAWN)]


def test_a_profile_that_an_owner_subscribed_since_is_asked_nothing(
    forms: World, shopify: MakeWebhook
) -> None:
    """An address of two profiles: the newest word on the one counts for it, whatever is known of the other."""
    state, asked = "subscribed", form(forms, TICK)
    deliver(forms, states(shopify, state, NOW - 30), record(shopify, "unsubscribed", id=8), asked)
    assert consent(forms, custom_id=ADAS) == "subscribed"
    assert sent(forms, "consent_requested") == []


# ── Cost, races, failures, erasure ──────────────────────────────────────────────────────────────────────────


def test_nothing_is_read_or_written_of_addresses_where_nobody_subscribes_or_withdraws(
    forms: World, shopify: MakeWebhook
) -> None:
    forms.ledger.client = watched = Failing(forms.ledger.client, None)
    deliver(forms, record(shopify, None), form(forms, {"email": ADA, "form_id": "footer"}))
    assert watched.asked
    assert not [call for call in watched.asked if "consent#" in call]


def test_of_two_deliveries_at_once_the_newest_statement_counts(forms: World) -> None:
    """The row is written on a condition: whichever of them writes last, the newest stays."""
    address = f"email#{ADAS}"
    withdrawn = AddressConsent(address, "unsubscribed", "2026-09-10T12:00:00.000000")
    older = AddressConsent(address, "unsubscribed", "2026-09-10T11:00:00.000000")
    ended = AddressConsent(address, "subscribed", "2026-09-10T11:30:00.000000")
    for order in ((withdrawn, older, ended), (older, ended, withdrawn), (ended, withdrawn, older)):
        forms.ledger.delete([f"consent#default#{address}"])
        for stated in order:
            forms.ledger.keep_consent("default", stated, "ada", "shopify/main", NOW)
        assert forms.ledger.consents_of("default", [address]) == {address: withdrawn}


def test_of_the_same_moment_a_withdrawal_counts(forms: World) -> None:
    address = f"email#{ADAS}"
    both = [AddressConsent(address, value, "2026") for value in ("subscribed", "unsubscribed")]
    for order in (both, both[::-1]):
        forms.ledger.delete([f"consent#default#{address}"])
        for stated in order:
            forms.ledger.keep_consent("default", stated, "ada", "shopify/main", NOW)
        assert forms.ledger.consents_of("default", [address])[address].is_withdrawn


def test_what_batch_refuses_withdraws_nothing(forms: World, shopify: MakeWebhook) -> None:
    forms.batch.refuse = lambda operation: True
    deliver(forms, record(shopify, "unsubscribed"))
    assert known(forms) == {}


def test_where_the_row_cannot_be_written_the_webhook_comes_back_and_states_it_again(
    forms: World, shopify: MakeWebhook
) -> None:
    client = forms.ledger.client
    forms.ledger.client = Failing(
        client, ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")
    )
    withdrawal = record(shopify, "unsubscribed")
    forms.deliver(withdrawal)
    assert forms.ledger.receipt(withdrawal.id) is None
    forms.ledger.client = client
    forms.now += 120
    deliver(forms, replace(withdrawal, only=("attributes",), waits=1))
    assert known(forms) == {f"email#{ADAS}": "unsubscribed"}


def test_a_row_that_is_refused_for_good_parks_its_webhook_and_no_other(
    forms: World, shopify: MakeWebhook
) -> None:
    refused = ClientError({"Error": {"Code": "ValidationException"}}, "UpdateItem")
    forms.ledger.client = Failing(forms.ledger.client, refused)
    withdrawal = record(shopify, "unsubscribed")
    other = form(forms, {"email": "ben@example.com", "form_id": "footer"})
    assert forms.deliver(withdrawal, other) == []
    assert [parked.id for parked in forms.parked()] == [withdrawal.id]
    assert reasons(forms, other) == [("delivered", "")]


def test_it_is_erased_with_the_person_and_told_of_before(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, record(shopify, "unsubscribed"))
    asked = request.forget("default", "U-7001", "test", datetime.fromtimestamp(forms.now, UTC))
    deliver(forms, asked)
    assert rows(forms) == {}
    receipt = forms.ledger.receipt(asked.id)
    assert receipt is not None
    assert "1 withdrawals" in receipt.reason


def test_a_row_holds_no_address_and_stays_until_then(forms: World, shopify: MakeWebhook) -> None:
    deliver(forms, record(shopify, "unsubscribed", channel="sms", phone=PHONE))
    [(address, row)] = rows(forms).items()
    assert address == f"sms#{digest_of(PHONE)}"
    assert "expires_at" not in row
    assert ADA not in json.dumps(row)
    assert PHONE not in json.dumps(row)
