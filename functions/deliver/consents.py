"""Ask a person before a visitor's word subscribes who is known to have unsubscribed, and write what they confirm. Pure.

A link goes to an address that is the person's own: one that an owner stated, or that the profile is named after. Else
whoever types somebody's e-mail with a phone number of their own would confirm it themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bridge.batch.limits import MAX_STRING_CHARACTERS
from bridge.errors import MappingFailed
from bridge.profiles import identity, normalise
from bridge.profiles.profile_change import AttributeGroup, Event, Person, ProfileChange, Value
from bridge.profiles.versions import CONSENTS, SUBSCRIBED, UNSUBSCRIBED, VISITORS, ProfileState
from bridge.receiving import consent_links
from bridge.receiving.consent_links import CONFIRMED, Confirmation
from bridge.settings import ConnectionSettings
from bridge.storage.ledger import RECEIPT_DAYS, fact_row, link_row
from bridge.webhook import Webhook
from functions.deliver import overrides
from functions.deliver.delivery import Delivery, Outcome
from functions.deliver.withdrawals import CHANNELS, Known, withdrawn_at

REQUEST_EVENT, CONFIRMED_EVENT = "consent_requested", "consent_confirmed"
ATTRIBUTES = {channel: (consent, address) for consent, (channel, address) in CHANNELS.items()}
KEPT_FOR = timedelta(days=RECEIPT_DAYS)

WITHDRAWN = "the consent was withdrawn after the link was made"
ADDRESS_CHANGED = "the address has changed since the link was made"


# ── A visitor's consent ─────────────────────────────────────────────────────────────────────────────────────


def weigh(delivery: Delivery, state: ProfileState, known: Known, api_url: str, now: datetime) -> None:
    """Hold what the webhook says of consents against what is known of profile and address; may end the delivery."""
    if delivery.webhook.topic == CONFIRMED:
        check(delivery, state, known)
        return
    groups: list[AttributeGroup] = []
    for group in delivery.change.groups:
        outdated = {name for name in group.attributes if is_outdated(delivery, state, known, group, name)}
        reversals = [name for name in group.attributes if is_reversal(delivery, state, known, group, name)]
        rest = {
            name: value
            for name, value in group.attributes.items()
            if name not in outdated and name not in reversals
        }
        groups += [replace(group, attributes=rest)] if rest else []
        for name in reversals:
            if delivery.settings.resubscribe:
                groups.append(replace(group, attributes={name: SUBSCRIBED}, provenance="owner"))
            else:
                since = max(state.versions.get(name, ""), withdrawn_at(delivery, state, name, known))
                ask(delivery, state, group, name, since, api_url, now)
    delivery.change = replace(delivery.change, groups=tuple(groups))


def subscribes(group: AttributeGroup, name: str) -> bool:
    """Return whether a visitor subscribes here."""
    return group.provenance == "visitor" and name in CONSENTS and group.attributes[name] == SUBSCRIBED


def is_outdated(
    delivery: Delivery, state: ProfileState, known: Known, group: AttributeGroup, name: str
) -> bool:
    """Return whether a visitor subscribed before the withdrawal for the address: that came late, and nobody is
    asked."""
    return subscribes(group, name) and group.version < withdrawn_at(delivery, state, name, known)


def is_reversal(
    delivery: Delivery, state: ProfileState, known: Known, group: AttributeGroup, name: str
) -> bool:
    """Return whether a visitor subscribes who is known to have unsubscribed before: this profile, or the address on
    any."""
    if not subscribes(group, name):
        return False
    withdrawn = withdrawn_at(delivery, state, name, known)
    if withdrawn and group.version >= withdrawn:
        return True
    return state.consents.get(name) == UNSUBSCRIBED and group.version >= state.versions.get(name, "")


def ask(
    delivery: Delivery,
    state: ProfileState,
    group: AttributeGroup,
    name: str,
    since: str,
    api_url: str,
    now: datetime,
) -> None:
    """Add the event that asks the person, and remember what is asked; else warn of why nobody is asked.

    `since` is the version of what they withdrew.
    """
    channel, address = CHANNELS[name]
    digest = own_address(delivery, state, address)
    if not (api_url and delivery.webhook.confirm_key):
        delivery.warnings.add("consent_not_asked", f"{channel}:no_confirm_secret")
    elif digest is None:
        delivery.warnings.add("consent_not_asked", f"{channel}:no_address_of_their_own")
    else:
        delivery.rows += request_rows(delivery, group, channel, digest, now)
        once = f"{REQUEST_EVENT}:{channel}:{since}:{now:%Y-%m-%d}"
        event = Event(REQUEST_EVENT, now, request(delivery, group, channel, api_url, now), once)
        delivery.change = replace(
            delivery.change, events=(*delivery.change.events, *overrides.events((event,), delivery.settings))
        )


def own_address(delivery: Delivery, state: ProfileState, address: str) -> str | None:
    """Return the digest of the address to which Batch writes, where that is the person's own."""
    known = state.addresses.get(address, "")
    if known and not known.startswith(VISITORS):
        return known
    digest = known.removeprefix(VISITORS)
    if not known and address == "$email_address":
        digest = identity.email_sha256(delivery.change.person.email) or ""
    return digest if digest and digest == delivery.custom_id else None


def request(
    delivery: Delivery, group: AttributeGroup, channel: str, api_url: str, now: datetime
) -> dict[str, Value]:
    """Return what the event says that asks: the link, and what it is about."""
    webhook = delivery.webhook
    confirmation = Confirmation(webhook.id, channel, now, delivery.settings.brand)
    token = consent_links.token(confirmation, webhook.confirm_key)
    return {
        "channel": channel,
        "url(confirm)": f"{api_url}/{webhook.source}/{webhook.connection}/confirm/{token}",
        "date(expires_at)": normalise.timestamp(confirmation.expires_at),
        **group.proof,
    }


def request_rows(
    delivery: Delivery, group: AttributeGroup, channel: str, digest: str, now: datetime
) -> list[dict[str, Any]]:
    """Return the rows by which a confirmed consent finds its person and its proof."""
    until, project = (now + KEPT_FOR).timestamp(), delivery.settings.project
    proof = {name: str(value)[:MAX_STRING_CHARACTERS] for name, value in group.proof.items()}
    content = {"address_sha256": digest, "requested_at": normalise.timestamp(now), "proof": proof}
    value = json.dumps(content, separators=(",", ":"))
    return [
        link_row(project, reference(delivery.webhook.id), delivery.custom_id, until, delivery.webhook.writer),
        fact_row(
            project,
            fact(delivery.webhook.id, channel),
            value,
            delivery.custom_id,
            until,
            delivery.webhook.writer,
        ),
    ]


def reference(webhook_id: str) -> str:
    return f"bridge:consent:{webhook_id}"


def fact(webhook_id: str, channel: str) -> str:
    return f"consent:{webhook_id}:{channel}"


# ── What a person confirms ──────────────────────────────────────────────────────────────────────────────────


def wanted(webhook: Webhook) -> Sequence[str]:
    """Return the names of the facts that a confirmed consent needs. Raises MappingFailed."""
    try:
        confirmation = consent_links.stated(webhook)
        return [fact(confirmation.webhook_id, confirmation.channel)]
    except (ValueError, KeyError, TypeError) as error:
        raise MappingFailed("no confirmed consent of ours") from error


def to_change(webhook: Webhook, settings: ConnectionSettings, facts: Mapping[str, str]) -> ProfileChange:
    """Return what a confirmed consent means, as an owner's statement of the moment when its link was made.

    So a withdrawal since then is newer, whichever of them comes first. While nothing is known of the request, its
    person is not known either: the webhook waits.
    """
    [name] = wanted(webhook)
    if name not in facts:
        return ProfileChange(Person(named_elsewhere=True, provenance="owner"))
    confirmation, known = consent_links.stated(webhook), json.loads(facts[name])
    consent, _ = ATTRIBUTES[confirmation.channel]
    group = AttributeGroup(
        f"consent_{confirmation.channel}",
        normalise.sortable(confirmation.made_at),
        overrides.attributes({consent: SUBSCRIBED}, settings),
        provenance="owner",
        proof=proof(known),
    )
    event = Event(CONFIRMED_EVENT, webhook.received_at, {"channel": confirmation.channel, **group.proof})
    return ProfileChange(
        Person(references=(reference(confirmation.webhook_id),), named_elsewhere=True, provenance="owner"),
        groups=(group,),
        events=overrides.events((event,), settings),
    )


def proof(known: Mapping[str, Any]) -> dict[str, Value]:
    """Return what proves a consent, beside the moment of the click: address, time of the request, form and box."""
    return {
        "address_sha256": known["address_sha256"],
        "date(requested_at)": known["requested_at"],
        **known["proof"],
    }


def check(delivery: Delivery, state: ProfileState, known: Known) -> None:
    """End the delivery where the consent is for another address by now, or was withdrawn since, on whatever profile."""
    consent, address = ATTRIBUTES[consent_links.stated(delivery.webhook).channel]
    current = state.addresses.get(address, "").removeprefix(VISITORS)
    for group in delivery.change.groups:
        if current and current != group.proof["address_sha256"]:
            delivery.end(Outcome.IGNORED, reason=ADDRESS_CHANGED)
            continue
        withdrawn = state.versions.get(consent, "") if state.consents.get(consent) == UNSUBSCRIBED else ""
        if max(withdrawn, withdrawn_at(delivery, state, consent, known)) > group.version:
            delivery.end(Outcome.IGNORED, reason=WITHDRAWN)
