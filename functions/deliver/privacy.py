"""Erase a person wherever this stack reaches, or tell what is held of them: names and counts, no values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Literal

from bridge import identity
from bridge.archive import Archive
from bridge.batch import BatchClient
from bridge.errors import Erased, Ignored, ProfileBusy, RejectedByBatch, Unfinished
from bridge.kinds import emptied
from bridge.ledger import (
    ERASED_SECONDS,
    RETRYING,
    WAITING,
    Ledger,
    Receipt,
    gone_row,
    link_row,
    profile_key,
)
from bridge.limits import MAX_PROFILE_ATTRIBUTES, Warnings, cleaned, fit_attributes
from bridge.profile import Value
from bridge.queue import Parked, WebhookQueue
from bridge.secrets import BatchKeys
from bridge.traces import Traces, lanes
from bridge.versions import ProfileState
from functions.deliver import requests
from functions.deliver.job import Job

WithKeys = Callable[[str, Callable[[BatchKeys], Any]], Any]

UNSUBSCRIBED: dict[str, Value] = {"$email_marketing": "unsubscribed", "$sms_marketing": "unsubscribed"}
PARKED_WEBHOOKS = ("", "parked webhooks")
"""Held as a profile is while one delivery looks through them: what it has in hand, no other would see."""
NOT_WHOLE = "not all parked webhooks could be looked at in time"
ITEM = re.compile(r"[+-].*", re.DOTALL)
"""What follows the name of a list in the version of one of its items: `tags+vip`."""


class PrivacyDesk:
    """Grants what a webhook asks for by law. Every step may be done twice: one that fails begins anew."""

    def __init__(
        self,
        ledger: Ledger,
        queue: WebhookQueue,
        batch: BatchClient,
        with_keys: WithKeys,
        owner: str,
        clock: Callable[[], float],
        has_time: Callable[[], bool],
    ) -> None:
        self.ledger = ledger
        self.queue = queue
        self.batch = batch
        self.with_keys = with_keys
        self.owner = owner
        self.clock = clock
        self.has_time = has_time

    def grant(self, job: Job, written: Collection[tuple[str, str]]) -> str:
        """Do what is asked, and say what was done.

        `written` are profiles of this very batch: the index shows their rows a moment later only. Raises Ignored,
        RejectedByBatch, BadCredentials, BatchUnavailable, ProfileBusy, Unfinished, Unavailable.
        """
        project = job.settings.project
        custom_ids = self.whose(job)
        if not custom_ids:
            job.forget()
            raise Ignored("nothing is held of this person")
        if any((project, custom_id) in written for custom_id in custom_ids):
            raise ProfileBusy("this batch has just written to this profile")
        return self.review(job, custom_ids) if job.change.privacy == "review" else self.erase(job, custom_ids)

    def whose(self, job: Job) -> list[str]:
        """All profiles of a person: those that references lead to, the one of the e-mail, and one named outright."""
        person, settings = job.change.person, job.settings
        links = self.ledger.links(settings.project, person.references, self.clock())
        email = identity.email_sha256(person.email) if "email_sha256" in settings.identity else None
        return list(dict.fromkeys([*links.values(), *filter(None, (email, person.user_id))]))

    # ── What is held ────────────────────────────────────────────────────────────────────────────────────

    def review(self, job: Job, custom_ids: list[str]) -> str:
        """Have Batch gather what it knows where it can; the receipt names the attributes."""
        project = job.settings.project
        job.custom_id = custom_ids[0]
        told, names, keys = [], set(), list[str]()
        for custom_id in custom_ids:
            if apps := self.ask_batch(project, "review", custom_id):
                told = [f"review asked of Batch for {apps} apps"]
            names |= attribute_names(self.ledger.state(project, custom_id))
            keys += self.ledger.keys_of(project, custom_id)
        job.attributes = dict.fromkeys(sorted(names))
        return ", ".join([*told, f"held: {len(names)} attributes in Batch", counted(keys)])

    # ── Erasing ─────────────────────────────────────────────────────────────────────────────────────────

    def erase(self, job: Job, custom_ids: list[str]) -> str:
        """Erase, while nobody else has parked webhooks in hand, and with time to look through them."""
        if not self.has_time():
            raise Unfinished("other erasures took the time of this delivery")
        self.ledger.lease(*PARKED_WEBHOOKS, self.owner, self.clock())
        try:
            return self.erase_everywhere(job, custom_ids)
        finally:
            self.ledger.delete([profile_key(*PARKED_WEBHOOKS)])

    def erase_everywhere(self, job: Job, custom_ids: list[str]) -> str:
        """Erase at Batch first, then here."""
        project = job.settings.project
        at_batch = [self.erase_at_batch(project, custom_id) for custom_id in custom_ids]
        keys = {custom_id: list(self.ledger.keys_of(project, custom_id)) for custom_id in custom_ids}
        of_person = [key for found in keys.values() for key in found]
        dropped, is_whole = self.drop_parked(job, of_person)
        self.ledger.delete(
            [key for key in of_person if not key.startswith("link#")]
            + [f"webhook#{parked.id}" for parked in dropped]
        )
        self.bury(job, keys)
        job.forget()
        told = [*dict.fromkeys(at_batch), f"deleted: {counted(of_person)}, {len(dropped)} parked webhooks"]
        return ", ".join([*told, *([] if is_whole else [NOT_WHOLE])])

    def erase_at_batch(self, project: str, custom_id: str) -> str:
        """Have Batch remove the profile; without app keys, empty it of all that was ever written."""
        state = self.hold(project, custom_id)
        if apps := self.ask_batch(project, "remove", custom_id):
            return f"removal asked of Batch for {apps} apps"
        names = self.keys_in_batch(project, attribute_names(state))
        if not names:
            return "nothing was written to Batch"
        wanted = [*UNSUBSCRIBED, *(name for name in names if name not in UNSUBSCRIBED)]
        for start in range(0, len(wanted), MAX_PROFILE_ATTRIBUTES):
            chunk = {name: UNSUBSCRIBED.get(name) for name in wanted[start : start + MAX_PROFILE_ATTRIBUTES]}
            self.write(project, custom_id, chunk)
        return f"{len(names)} attributes emptied in Batch, unsubscribed"

    def keys_in_batch(self, project: str, names: Collection[str]) -> list[str]:
        """The keys with which null empties attributes, whatever type their names have in Batch."""
        kinds = self.ledger.kinds(project, {cleaned(name)[1] for name in names if "(" in name})
        return sorted({emptied(name, kinds.get) for name in names})

    def hold(self, project: str, custom_id: str) -> ProfileState:
        """Take hold of the profile; nobody writes to one that was erased before. Raises ProfileBusy."""
        try:
            return self.ledger.lease(project, custom_id, self.owner, self.clock())
        except Erased:
            return ProfileState()

    def write(self, project: str, custom_id: str, attributes: dict[str, Value]) -> None:
        """One operation of attributes. Raises RejectedByBatch also where Batch takes but a part."""
        operation = {
            "identifiers": {"custom_id": custom_id},
            "attributes": fit_attributes(attributes, Warnings()),
        }
        if self.with_keys(project, lambda keys: self.batch.update(keys, [operation])):
            raise RejectedByBatch("Batch refused to empty the profile")

    def ask_batch(self, project: str, request_type: Literal["remove", "review"], custom_id: str) -> int:
        """Make a GDPR request for each app of the project; returns how many these are."""

        def ask(keys: BatchKeys) -> int:
            for app_key in keys.app_keys:
                self.batch.ask_gdpr(keys, app_key, request_type, custom_id)
            return len(keys.app_keys)

        asked: int = self.with_keys(project, ask)
        return asked

    def drop_parked(self, job: Job, keys: list[str]) -> tuple[list[Parked], bool]:
        """Delete parked and archived webhooks of the person, and the bodies of all that are not on their way."""
        receipts = self.ledger.receipts_in(keys)
        traces, archive = self.traces(job, keys, receipts), Archive(self.queue.bucket, self.queue.s3)
        parked, is_all_of_queue = self.queue.drop_parked(traces, self.has_time)
        archived, is_all_of_archive = archive.drop(lambda one: self.queue.is_of(one, traces), self.has_time)
        dropped, is_whole = [*parked, *archived], is_all_of_queue and is_all_of_archive
        done = [receipt for receipt in receipts if receipt.status not in (WAITING, RETRYING)]
        bodies = {(receipt.source, receipt.connection, receipt.id) for receipt in done}
        bodies |= {
            (parked.envelope["source"], str(parked.envelope.get("connection")), parked.id)
            for parked in dropped
        }
        self.queue.delete_bodies(sorted(bodies))
        return dropped, is_whole

    def traces(self, job: Job, keys: list[str], receipts: list[Receipt]) -> Traces:
        """By what a parked webhook is known as the person's, whichever connection it came by."""
        project, email = job.settings.project, job.change.person.email or ""
        links = self.ledger.read([key for key in keys if key.startswith("link#")])
        prefix = f"link#{project}#"
        references = {*job.change.person.references, *(key.removeprefix(prefix) for key in links)}
        places = {(job.webhook.source, job.webhook.connection)}
        places |= {(receipt.source, receipt.connection) for receipt in receipts}
        places |= {place_of(row["learnt_by"]["S"]) for row in links.values() if "learnt_by" in row}
        groups = {group for place in places for group in lanes(*place, references, email)}
        groups |= {job.webhook.group} if job.webhook.source != requests.SOURCE else set()
        return Traces(frozenset(receipt.id for receipt in receipts), frozenset(groups), email)

    def bury(self, job: Job, keys: dict[str, list[str]]) -> None:
        """Leave what late webhooks find for 35 days: an empty row of each profile, and the links to it."""
        project, until = job.settings.project, self.clock() + ERASED_SECONDS
        prefix, first = f"link#{project}#", next(iter(keys))
        leads = dict.fromkeys(job.change.person.references, first)
        for custom_id, found in keys.items():
            leads |= {key.removeprefix(prefix): custom_id for key in found if key.startswith(prefix)}
        self.ledger.commit(
            [
                *(gone_row(project, custom_id, until) for custom_id in keys),
                *(link_row(project, reference, custom_id, until) for reference, custom_id in leads.items()),
            ]
        )


def place_of(connection: str) -> tuple[str, str]:
    """`shopify/main` as source and name."""
    source, _, name = connection.partition("/")
    return source, name


def attribute_names(state: ProfileState) -> set[str]:
    """The attributes that a profile was ever given."""
    of_members = {
        name for members in state.members.values() for one in members.values() for name in one.attributes
    }
    elsewhere = {key for keys in state.others.values() for key in keys}
    return {ITEM.sub("", name) for name in state.versions} | of_members | elsewhere


def counted(keys: list[str]) -> str:
    """How many rows of each kind: `2 receipts, 3 links, 1 facts`."""
    kinds = {"webhook": "receipts", "link": "links", "fact": "facts"}
    return ", ".join(
        f"{sum(key.startswith(f'{kind}#') for key in keys)} {name}" for kind, name in kinds.items()
    )
