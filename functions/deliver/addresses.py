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
from functions.deliver.delivery import Job, Outcome

SHARED: Final = "shared_identity"
CONFLICT: Final = "identity_conflict"
MEMORY_SECONDS = 24 * 3600
PHONE_MEMORY_SECONDS = 400 * 24 * 3600
"""Of the customers of a phone, after the last new one. Those of an e-mail stay as long as its profile."""
PHONE: Final = "$phone_number"
MAX_EMAILS = 5
"""Of a user id in a day; more need not be told apart."""


class Addresses:
    """What one batch knows of addresses; `clock` returns Unix seconds. Nothing is written before `keep`."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.clock = clock
        self.customers: dict[str, frozenset[str]] = {}
        self.emails: dict[str, tuple[frozenset[str], float]] = {}
        self.unwritten: list[tuple[Job, str, str, float | None]] = []
        self.causes: list[tuple[Cause, Job]] = []

    def read(self, jobs: Sequence[Job]) -> None:
        """Read what is known of the addresses and the user ids of a batch. Raises BatchUnavailable."""
        stated = {address for job in jobs for address in (address_of(job), phone_of(job)) if address}
        addresses = {row for address in stated for row in (address, of_visitors(address))}
        named = {name for job in jobs if (name := name_of(job))}
        self.customers |= self.ledger.customers_of(sorted(addresses))
        self.emails |= self.ledger.emails_of(sorted(named))

    def is_shared(self, job: Job) -> bool:
        """Whether the job's e-mail stands for more customers than its connection allows, this one included.

        Those that visitors state are counted apart, for a warning: nobody takes an e-mail from its owner by orders
        that they do not pay.
        """
        address, limit = address_of(job), job.settings.shared_identities
        if address is None or limit is None:
            return False
        if self.count(job, address, limit) > limit:
            job.warnings.add(SHARED, "email")
        return len(self.customers.get(address, ())) > limit

    def note_phone(self, job: Job) -> None:
        """Warn where the job's phone stands for more customers than that. No profile is ever found by a phone."""
        phone, limit = phone_of(job), job.settings.shared_identities
        if phone is None or limit is None:
            return
        if self.count(job, phone, limit, self.clock() + PHONE_MEMORY_SECONDS) > limit:
            job.warnings.add(SHARED, "phone")

    def count(self, job: Job, address: str, limit: int, until: float | None = None) -> int:
        """Count the job's customer among those of an address, and return how many these are.

        An owner's statements and visitors' are counted each by themselves; only the owner's ring.
        """
        is_owners = identity.is_owners_word(job.change.person)
        row = address if is_owners else of_visitors(address)
        known = self.customers.get(row, frozenset())
        customer = digest(job.change.person.customer)
        if customer and customer not in known and len(known) <= limit:
            if is_owners and len(known) == limit:
                self.causes.append((SHARED, job))
            self.unwritten.append((job, row, customer, until))
            known = self.customers[row] = known | {customer}
        return len(known)

    def note_email(self, job: Job) -> None:
        """Remember the e-mail of a user id for a day, and warn where it shows another one than before."""
        name, email = name_of(job), identity.email_sha256(job.change.person.email)
        if name is None or email is None or not job.is_owners:
            return
        known, until = self.emails.get(name, (frozenset(), 0.0))
        if until < self.clock():
            known, until = frozenset(), self.clock() + MEMORY_SECONDS
        if email[:32] in known:
            return
        if known:
            job.warnings.add(CONFLICT, "user_id")
        if len(known) == 1:
            self.causes.append((CONFLICT, job))
        if len(known) < MAX_EMAILS:
            self.emails[name] = known | {email[:32]}, until
            job.rows.append(emails_row(*job.profile, known | {email[:32]}, until))

    def ring(self, job: Job) -> None:
        """Warn, and ring, where a tool's record shows another e-mail than the profile to which it led."""
        job.warnings.add(CONFLICT, "customer")
        self.causes.append((CONFLICT, job))

    def keep(self) -> None:
        """Write which customers have an address, and ring for what arose. Raises BatchUnavailable.

        The row of an e-mail belongs to the profile of that e-mail, the row of a phone to the newest customer's.
        Nothing is kept of a webhook that is ignored, as those of erased people are.
        """
        for job, address, customer, until in self.unwritten:
            if job.outcome is Outcome.IGNORED:
                continue
            custom_id = address.rpartition("#")[2] if until is None else job.custom_id
            self.ledger.add_customer(address, customer, job.settings.project, custom_id, until)
        for cause, job in self.causes:
            alarm(cause, source=job.webhook.source, connection=job.webhook.connection)
        self.unwritten, self.causes = [], []


def address_of(job: Job) -> str | None:
    """Return the row of the job's e-mail at its connection, where that can stand for customers of a tool."""
    person, settings = job.change.person, job.settings
    email = identity.email_sha256(person.email)
    is_of_shop = person.customer is not None or bool(person.visit_references)
    if email is None or not is_of_shop or "email_sha256" not in settings.identity:
        return None
    return f"{settings.project}#{job.webhook.writer}#{email}"


def phone_of(job: Job) -> str | None:
    """Return the row of the job's phone at its connection, where a customer of a tool has it."""
    numbers = [
        str(group.attributes[PHONE] or "").strip() for group in job.change.groups if PHONE in group.attributes
    ]
    number = next(filter(None, numbers), "")
    if not number or job.change.person.customer is None:
        return None
    return f"{job.settings.project}#{job.webhook.writer}#phone#{digest(number)}"


def of_visitors(address: str) -> str:
    """Return the row of an address for the customers that visitors state; it ends in the same digest."""
    connection, _, hashed = address.rpartition("#")
    return f"{connection}#visitors#{hashed}"


def name_of(job: Job) -> str | None:
    """Return the row of the user id that the job states beside an e-mail."""
    user_id = identity.valued(job.change.person, "user_id")
    return f"{job.settings.project}#{user_id}" if user_id and job.change.person.email else None


def digest(customer: str | None) -> str:
    """Return the digest by which a customer is counted; empty for none."""
    return hashlib.sha256(customer.encode(errors="surrogatepass")).hexdigest()[:32] if customer else ""
