"""Notice an e-mail or a phone that stands for many customers, and a user id that shows several e-mails.

Keeps digests alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from bridge.observability import Cause, alarm
from bridge.profiles import identity
from bridge.storage.ledger import Ledger, emails_row
from functions.deliver.delivery import Delivery, Outcome

SHARED: Final = "shared_identity"
CONFLICT: Final = "identity_conflict"
MEMORY_SECONDS = 24 * 3600
PHONE_MEMORY_SECONDS = 400 * 24 * 3600
"""Of the customers of a phone, after the last new one. Those of an e-mail stay as long as its profile."""
PHONE: Final = "$phone_number"
MAX_EMAILS = 5
"""Of a user id in a day; more need not be told apart."""


class Addresses:
    """Hold what one batch knows of addresses; `clock` returns Unix seconds. Nothing is written before `keep`."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.clock = clock
        self.customers: dict[str, frozenset[str]] = {}
        self.emails: dict[str, tuple[frozenset[str], float]] = {}
        self.unwritten: list[tuple[Delivery, str, str, float | None]] = []
        self.causes: list[tuple[Cause, Delivery]] = []

    def read(self, deliveries: Sequence[Delivery]) -> None:
        """Read what is known of the addresses and the user ids of a batch. Raises BatchUnavailable."""
        stated = {
            address
            for delivery in deliveries
            for address in (address_of(delivery), phone_of(delivery))
            if address
        }
        addresses = {row for address in stated for row in (address, of_visitors(address))}
        named = {name for delivery in deliveries if (name := name_of(delivery))}
        self.customers |= self.ledger.customers_of(sorted(addresses))
        self.emails |= self.ledger.emails_of(sorted(named))

    def is_shared(self, delivery: Delivery) -> bool:
        """Return whether the delivery's e-mail stands for more customers than its connection allows, this one included.

        Those that visitors state are counted apart, for a warning: nobody takes an e-mail from its owner by orders
        that they do not pay.
        """
        address, limit = address_of(delivery), delivery.settings.shared_identities
        if address is None or limit is None:
            return False
        if self.count(delivery, address, limit) > limit:
            delivery.warnings.add(SHARED, "email")
        return len(self.customers.get(address, ())) > limit

    def note_phone(self, delivery: Delivery) -> None:
        """Warn where the delivery's phone stands for more customers than that. No profile is ever found by a phone."""
        phone, limit = phone_of(delivery), delivery.settings.shared_identities
        if phone is None or limit is None:
            return
        if self.count(delivery, phone, limit, self.clock() + PHONE_MEMORY_SECONDS) > limit:
            delivery.warnings.add(SHARED, "phone")

    def count(self, delivery: Delivery, address: str, limit: int, until: float | None = None) -> int:
        """Count the delivery's customer among those of an address, and return how many these are.

        An owner's statements and visitors' are counted each by themselves; only the owner's ring.
        """
        is_owners = identity.is_owners_word(delivery.change.person)
        row = address if is_owners else of_visitors(address)
        known = self.customers.get(row, frozenset())
        customer = digest(delivery.change.person.customer)
        if customer and customer not in known and len(known) <= limit:
            if is_owners and len(known) == limit:
                self.causes.append((SHARED, delivery))
            self.unwritten.append((delivery, row, customer, until))
            known = self.customers[row] = known | {customer}
        return len(known)

    def note_email(self, delivery: Delivery) -> None:
        """Remember the e-mail of a user id for a day, and warn where it shows another one than before."""
        name, email = name_of(delivery), identity.email_sha256(delivery.change.person.email)
        if name is None or email is None or not delivery.is_owners:
            return
        known, until = self.emails.get(name, (frozenset(), 0.0))
        if until < self.clock():
            known, until = frozenset(), self.clock() + MEMORY_SECONDS
        if email[:32] in known:
            return
        if known:
            delivery.warnings.add(CONFLICT, "user_id")
        if len(known) == 1:
            self.causes.append((CONFLICT, delivery))
        if len(known) < MAX_EMAILS:
            self.emails[name] = known | {email[:32]}, until
            delivery.rows.append(emails_row(*delivery.profile, known | {email[:32]}, until))

    def ring(self, delivery: Delivery) -> None:
        """Warn, and ring, where a tool's record shows another e-mail than the profile to which it led."""
        delivery.warnings.add(CONFLICT, "customer")
        self.causes.append((CONFLICT, delivery))

    def keep(self) -> None:
        """Write which customers have an address, and ring for what arose. Raises BatchUnavailable.

        The row of an e-mail belongs to the profile of that e-mail, the row of a phone to the newest customer's.
        Nothing is kept of a webhook that is ignored, as those of erased people are.
        """
        for delivery, address, customer, until in self.unwritten:
            if delivery.outcome is Outcome.IGNORED:
                continue
            custom_id = address.rpartition("#")[2] if until is None else delivery.custom_id
            self.ledger.add_customer(address, customer, delivery.settings.project, custom_id, until)
        for cause, delivery in self.causes:
            alarm(cause, source=delivery.webhook.source, connection=delivery.webhook.connection)
        self.unwritten, self.causes = [], []


def address_of(delivery: Delivery) -> str | None:
    """Return the row of the delivery's e-mail at its connection, where that can stand for customers of a tool."""
    person, settings = delivery.change.person, delivery.settings
    email = identity.email_sha256(person.email)
    is_of_shop = person.customer is not None or bool(person.visit_references)
    if email is None or not is_of_shop or "email_sha256" not in settings.identity:
        return None
    return f"{settings.project}#{delivery.webhook.writer}#{email}"


def phone_of(delivery: Delivery) -> str | None:
    """Return the row of the delivery's phone at its connection, where a customer of a tool has it."""
    numbers = [
        str(group.attributes[PHONE] or "").strip()
        for group in delivery.change.groups
        if PHONE in group.attributes
    ]
    number = next(filter(None, numbers), "")
    if not number or delivery.change.person.customer is None:
        return None
    return f"{delivery.settings.project}#{delivery.webhook.writer}#phone#{digest(number)}"


def of_visitors(address: str) -> str:
    """Return the row of an address for the customers that visitors state; it ends in the same digest."""
    connection, _, hashed = address.rpartition("#")
    return f"{connection}#visitors#{hashed}"


def name_of(delivery: Delivery) -> str | None:
    """Return the row of the user id that the delivery states beside an e-mail."""
    user_id = identity.valued(delivery.change.person, "user_id")
    return f"{delivery.settings.project}#{user_id}" if user_id and delivery.change.person.email else None


def digest(customer: str | None) -> str:
    """Return the digest by which a customer is counted; empty for none."""
    return hashlib.sha256(customer.encode(errors="surrogatepass")).hexdigest()[:32] if customer else ""
