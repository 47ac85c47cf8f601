"""Know by its address who has withdrawn a consent, whatever profile the address is on.

Two profiles may have one address: that of a user id, and that which a form finds by the e-mail. Keeps digests alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bridge.profiles import identity
from bridge.profiles.ownership import DIGEST
from bridge.profiles.versions import CONSENTS, SUBSCRIBED, UNSUBSCRIBED, VISITORS, ProfileState, digest_of
from bridge.storage.ledger import AddressConsent, Ledger
from functions.deliver.delivery import Delivery

# consent             channel of its link   address to which that goes
CHANNELS = {
    "$email_marketing": ("email", "$email_address"),
    "$sms_marketing": ("sms", "$phone_number"),
}

Known = Mapping[str, AddressConsent]
"""What is known of addresses, such as `email#DIGEST`."""
States = Mapping[tuple[str, str], ProfileState]


class Withdrawals:
    """Hold what one batch knows of the consents of addresses; the newest of each address counts."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.consents: dict[str, dict[str, AddressConsent]] = {}

    def read(self, deliveries: Sequence[Delivery], states: States) -> None:
        """Read of the addresses for which somebody is about to be subscribed. Raises BatchUnavailable."""
        wanted: dict[str, set[str]] = {}
        for delivery in deliveries:
            for consent in subscribing(delivery, states[delivery.profile]):
                for other in deliveries:
                    if other.profile == delivery.profile:
                        found = addresses(other, states[other.profile], consent)
                        wanted.setdefault(delivery.settings.project, set()).update(found)
        for project, asked in wanted.items():
            self.consents.setdefault(project, {}).update(self.ledger.consents_of(project, sorted(asked)))

    def of(self, delivery: Delivery) -> Known:
        """Return what is known in the project of a delivery."""
        return self.consents.setdefault(delivery.settings.project, {})

    def note(self, delivery: Delivery, before: ProfileState, after: ProfileState) -> None:
        """Keep with a delivery what it states of addresses; the next deliveries of the batch know it."""
        known = self.consents.setdefault(delivery.settings.project, {})
        delivery.address_consents = list(stated(delivery, before, after, known))
        for one in delivery.address_consents:
            if one.address not in known or known[one.address].version <= one.version:
                known[one.address] = one


def subscribing(delivery: Delivery, state: ProfileState) -> Iterator[str]:
    """Yield the consents that a delivery subscribes: an owner's where it does not stand so already."""
    for group in delivery.change.groups:
        for name in CONSENTS & set(group.attributes):
            is_news = group.provenance == "visitor" or state.consents.get(name) != SUBSCRIBED
            if group.attributes[name] == SUBSCRIBED and is_news:
                yield name


def addresses(delivery: Delivery, state: ProfileState, consent: str) -> set[str]:
    """Return the addresses for which a consent is: those of the profile, and those that the delivery states."""
    channel, attribute = CHANNELS[consent]
    digests = {known_digest(state, attribute)}
    for group in delivery.change.groups:
        digests |= {digest_of(group.attributes.get(attribute)), str(group.proof.get("address_sha256", ""))}
    if attribute == "$email_address":
        digests.add(identity.email_sha256(delivery.change.person.email) or "")
        digests |= {delivery.custom_id} if DIGEST.fullmatch(delivery.custom_id) else set()
    return {f"{channel}#{digest}" for digest in digests if digest}


def known_digest(state: ProfileState, attribute: str) -> str:
    """Return the digest of the address that Batch was last sent, whoever stated it."""
    return state.addresses.get(attribute, "").removeprefix(VISITORS)


def stated(
    delivery: Delivery, before: ProfileState, after: ProfileState, known: Known
) -> Iterator[AddressConsent]:
    """Yield what a delivery states of addresses: a withdrawal for each, also where the address alone is new to the
    profile.

    An owner's or a confirmed consent ends older withdrawals that are known.
    """
    for consent, (channel, attribute) in CHANNELS.items():
        value, version = after.consents.get(consent), after.versions.get(consent, "")
        is_news = (value, version) != (before.consents.get(consent), before.versions.get(consent, ""))
        concerned = addresses(delivery, after, consent) if is_news else set()
        if value == UNSUBSCRIBED:
            digest = known_digest(after, attribute)
            is_other = digest and digest != known_digest(before, attribute)
            concerned |= {f"{channel}#{digest}"} if is_other else set()
        elif value != SUBSCRIBED or version.startswith(VISITORS):
            continue
        else:
            concerned = {one for one in concerned if one in known and known[one].is_withdrawn}
        for address in sorted(concerned):
            yield AddressConsent(address, str(value), version)


def withdrawn_at(delivery: Delivery, state: ProfileState, consent: str, known: Known) -> str:
    """Return the version of the newest withdrawal for the addresses of a delivery; empty for none.

    None counts that is older than what an owner has subscribed on the profile itself.
    """
    withdrawn = [known[one] for one in addresses(delivery, state, consent) if one in known]
    newest = max((one.version for one in withdrawn if one.is_withdrawn), default="")
    version = state.versions.get(consent, "")
    is_owners = state.consents.get(consent) == SUBSCRIBED and not version.startswith(VISITORS)
    return "" if is_owners and version > newest else newest
