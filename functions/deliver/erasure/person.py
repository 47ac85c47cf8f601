"""Erase a person as far as a request reaches, or tell what is held of them: names and counts, no values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bridge.batch.attribute_types import emptied
from bridge.batch.client import BatchClient
from bridge.batch.limits import MAX_PROFILE_ATTRIBUTES, Warnings, cleaned, fit_attributes
from bridge.errors import Erased, Ignored, ProfileBusy, RejectedByBatch, Unfinished
from bridge.observability import alarm
from bridge.profiles import ownership
from bridge.profiles.profile_change import Value
from bridge.profiles.versions import UNSUBSCRIBED, ProfileState
from bridge.storage import erasures, progress
from bridge.storage.ledger import ERASED_SECONDS, emails_key, gone_row, link_key, link_row, profile_row
from bridge.storage.secrets import BatchKeys
from functions.deliver.context import Context
from functions.deliver.delivery import Delivery
from functions.deliver.erasure import request
from functions.deliver.erasure.reach import NAMED, PART, WHOLE, Reach, Target, scope_of
from functions.deliver.erasure.rows import Rows
from functions.deliver.erasure.search import NOT_WHOLE, Search

WithKeys = Callable[[str, Callable[[BatchKeys], Any]], Any]

WITHDRAWN: dict[str, Value] = {"$email_marketing": UNSUBSCRIBED, "$sms_marketing": UNSUBSCRIBED}


@dataclass(slots=True)
class Progress:
    """Hold how far a request has come; as JSON in the ledger where one delivery has not the time for all of it."""

    targets: list[Target]
    told: list[str] = field(default_factory=list)
    is_emptied: bool = False
    """Whether Batch was asked."""
    is_searched: bool = False
    """Whether parked webhooks were looked through."""
    at: int = 0
    """The target whose rows are next."""
    after: dict[str, Any] | None = None
    """The row of it after which to go on."""
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Progress:
        """Return what `asdict` made JSON of."""
        targets = [
            Target(**one | {name: tuple(one[name]) for name in ("feeders", "addresses")})
            for one in stored["targets"]
        ]
        return cls(**stored | {"targets": targets})


class PersonErasure:
    """Grants what a webhook asks for by law. Every step may be done twice: one that fails begins anew."""

    def __init__(self, context: Context, batch: BatchClient, with_keys: WithKeys) -> None:
        self.context = context
        self.ledger = context.ledger
        self.batch = batch
        self.with_keys = with_keys
        self.reach = Reach(context.ledger, context.clock)

    def fulfil(self, delivery: Delivery, written: Collection[tuple[str, str]]) -> str:
        """Do what is asked, and say what was done.

        `written` are profiles of this very batch: the index shows their rows a moment later only. Raises Ignored,
        RejectedByBatch, BadCredentials, BatchUnavailable, ProfileBusy, Unfinished, Unavailable.
        """
        if delivery.change.privacy == "housekeeping" and delivery.settings.customers_delete == "erase":
            delivery.ask_to_erase()
        stored = progress.load(self.ledger, delivery.webhook.id) if delivery.change.privacy == "erase" else {}
        reached = Progress.of(stored) if stored else Progress(self.reach.targets(delivery))
        if not reached.targets:
            delivery.forget()
            raise Ignored("nothing is held of this person")
        if any((delivery.settings.project, target.custom_id) in written for target in reached.targets):
            raise ProfileBusy("this batch has just written to this profile")
        if delivery.change.privacy == "review":
            return self.review(delivery, [target.custom_id for target in reached.targets if target.is_own])
        if delivery.change.privacy == "housekeeping":
            return self.tidy(delivery, reached.targets)
        return self.erase(delivery, reached)

    # ── What is held ────────────────────────────────────────────────────────────────────────────────────

    def review(self, delivery: Delivery, custom_ids: list[str]) -> str:
        """Have Batch gather what it knows where it can; the receipt names the attributes."""
        if not custom_ids:
            delivery.forget()
            raise Ignored("nothing is held of this person alone")
        project = delivery.settings.project
        delivery.custom_id = custom_ids[0]
        told, names, kinds = [], set[str](), Counter[str]()
        for custom_id in custom_ids:
            if apps := self.ask_batch(project, "review", custom_id):
                told = [f"review asked of Batch for {apps} apps"]
            names |= ownership.attribute_names(self.ledger.state(project, custom_id))
            kinds += Counter(key.partition("#")[0] for key in self.ledger.keys_of(project, custom_id))
        delivery.attributes = dict.fromkeys(sorted(names))
        return ", ".join([*told, f"held: {len(names)} attributes in Batch", counted(kinds)])

    # ── Erasing ─────────────────────────────────────────────────────────────────────────────────────────

    def erase(self, delivery: Delivery, reached: Progress) -> str:
        """Erase at Batch first, then what is parked, then the ledger's rows; goes on where another delivery ended."""
        if not self.context.has_time():
            raise Unfinished("other erasures took the time of this delivery")
        if not reached.is_emptied:
            at_batch = [self.erase_at_batch(delivery, target) for target in reached.targets]
            reached.told, reached.is_emptied = [*dict.fromkeys(filter(None, at_batch))], True
        if not reached.is_searched:
            self.search(delivery, reached)
        rows = Rows(self.context, delivery)
        self.delete_rows(delivery, reached, rows)
        self.ask_a_person(delivery, reached.targets)
        self.bury(delivery, reached.targets, rows)
        progress.forget(self.ledger, delivery.webhook.id)
        if delivery.change.erasure:
            erasures.finish(self.ledger, delivery.change.erasure, self.context.now)
        delivery.forget()
        return ", ".join([*reached.told, f"deleted: {counted(reached.counts)}", *self.left(reached)])

    def left(self, reached: Progress) -> list[str]:
        """Return what a receipt says of what was not reached."""
        undecided = sum(bool(target.why) for target in reached.targets)
        told = [f"{undecided} profiles are left for a person to decide on"] if undecided else []
        return [*told, *([NOT_WHOLE] if "unsearched" in reached.counts else [])]

    def search(self, delivery: Delivery, reached: Progress) -> None:
        """Delete the person's parked webhooks; but not where a whole connection goes, whose went all at once."""
        if not (delivery.webhook.source == request.SOURCE and delivery.change.scope):
            self.save(delivery, reached)
            search = Search(self.context)
            parked, is_whole = search.drop(delivery, reached.targets)
            reached.counts |= {"parked": parked, **({} if is_whole else {"unsearched": 1})}
        reached.is_searched = True

    def save(self, delivery: Delivery, reached: Progress) -> None:
        progress.save(
            self.ledger, delivery.webhook.id, asdict(reached), self.context.clock() + ERASED_SECONDS
        )

    def delete_rows(self, delivery: Delivery, reached: Progress, rows: Rows) -> None:
        """Delete the rows of each profile that go, page by page. Raises Unfinished once the time is over."""
        counts = Counter(reached.counts)
        while reached.at < len(reached.targets):
            deleted, after = rows.delete_page(reached.targets[reached.at], reached.after)
            counts.update(deleted)
            reached.after, reached.counts = after, dict(counts)
            if after is None:
                reached.at += 1
            elif not self.context.has_time():
                self.save(delivery, reached)
                raise Unfinished("the rows of this person are being deleted")

    def bury(self, delivery: Delivery, targets: Iterable[Target], rows: Rows) -> None:
        """Leave what late webhooks find for 35 days: of each id that the request names, a link to who is no more.

        These go last, as they tell whose profile it is.
        """
        project, person = delivery.settings.project, delivery.change.person
        gone = next((target.custom_id for target in targets if target.extent == WHOLE), rows.nobody)
        links = [link_row(project, reference, gone, rows.until) for reference in person.references]
        self.ledger.commit([gone_row(project, gone, rows.until), *links] if links else [])

    def ask_a_person(self, delivery: Delivery, targets: Iterable[Target]) -> None:
        """Ask, once, what to do with profiles that the request does not reach whole."""
        for target in targets:
            if not target.why:
                continue
            erasure = erasures.of_person(
                delivery.settings.project,
                target.custom_id,
                scope_of(delivery),
                delivery.webhook.id,
                self.context.now,
                target.why,
            )
            if erasures.open_one(self.ledger, erasure):
                alarm("erasure_needs_decision", connection=erasure.connection, erasure=erasure.id)

    # ── In Batch ────────────────────────────────────────────────────────────────────────────────────────

    def erase_at_batch(self, delivery: Delivery, target: Target) -> str:
        """Have Batch forget a profile, or what a connection wrote of it; say what was done."""
        project = delivery.settings.project
        if target.extent == NAMED:
            return ""
        state = self.hold(project, target.custom_id)
        if target.extent == PART and state is not None:
            names = ownership.last_written(state, scope_of(delivery))
            return self.empty(delivery, target, state, names)
        told = self.remove(project, target.custom_id, state or ProfileState())
        self.ledger.commit([gone_row(project, target.custom_id, self.context.clock() + ERASED_SECONDS)])
        self.ledger.delete([emails_key(project, target.custom_id)])
        return told

    def remove(self, project: str, custom_id: str, state: ProfileState) -> str:
        """Have Batch remove the profile; without app keys, empty it of all that was ever written."""
        if apps := self.ask_batch(project, "remove", custom_id):
            return f"removal asked of Batch for {apps} apps"
        names = self.keys_in_batch(project, ownership.attribute_names(state))
        if not names:
            return "nothing was written to Batch"
        self.write(project, custom_id, {**WITHDRAWN, **{name: WITHDRAWN.get(name) for name in names}})
        return f"{len(names)} attributes emptied in Batch, unsubscribed"

    def empty(self, delivery: Delivery, target: Target, state: ProfileState, names: Collection[str]) -> str:
        """Empty attributes of a profile that stays, and let its state know nothing of them."""
        project, connection = delivery.settings.project, scope_of(delivery)
        content = ownership.emptying(state, names)
        keys = self.keys_in_batch(project, content)
        if keys:
            self.write(project, target.custom_id, {key: content.get(key) for key in keys})
        left = ownership.without(state, names, connection)
        self.ledger.commit([profile_row(project, target.custom_id, left)])
        return f"{len(keys)} attributes of this connection emptied in Batch"

    def keys_in_batch(self, project: str, names: Collection[str]) -> list[str]:
        """Return the keys with which null empties attributes, whatever type their names have in Batch."""
        kinds = self.ledger.kinds(project, {cleaned(name)[1] for name in names if "(" in name})
        return sorted({emptied(name, kinds.get) for name in names})

    def hold(self, project: str, custom_id: str) -> ProfileState | None:
        """Take hold of the profile; None of one that was erased before, to which nobody writes. Raises ProfileBusy."""
        try:
            return self.ledger.lease(project, custom_id, self.context.owner, self.context.clock())
        except Erased:
            return None

    def write(self, project: str, custom_id: str, attributes: dict[str, Value]) -> None:
        """Write attributes, in as many operations as they need. Raises RejectedByBatch also where Batch takes but a
        part."""
        names = list(attributes)
        for start in range(0, len(names), MAX_PROFILE_ATTRIBUTES):
            chunk = {name: attributes[name] for name in names[start : start + MAX_PROFILE_ATTRIBUTES]}
            operation = {
                "identifiers": {"custom_id": custom_id},
                "attributes": fit_attributes(chunk, Warnings()),
            }
            self.send(project, operation)

    def send(self, project: str, operation: dict[str, Any]) -> None:
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

    # ── Housekeeping ────────────────────────────────────────────────────────────────────────────────────

    def tidy(self, delivery: Delivery, targets: Iterable[Target]) -> str:
        """Let go of a record that the tool has deleted: of its links, and of attributes that nobody else wrote.

        Consents stay, and so do events. What another customer is known by too keeps its attributes.
        """
        told, counts = list[str](), Counter[str]()
        rows = Rows(self.context, delivery)
        for target in targets:
            if target.extent == NAMED:
                continue
            state = self.hold(delivery.settings.project, target.custom_id)
            if state is not None:
                names = ownership.written_alone(state, scope_of(delivery))
                told.append(self.empty(delivery, target, state, names))
            counts += rows.delete_links(target)
        references = delivery.change.person.references
        self.ledger.delete([link_key(delivery.settings.project, reference) for reference in references])
        counts["link"] += len(references)
        delivery.forget()
        return ", ".join([*dict.fromkeys(told), f"deleted: {counts['link']} links"])


def counted(kinds: Counter[str] | dict[str, int]) -> str:
    """Return how many rows of each kind: `2 receipts, 3 links, 1 facts, 1 withdrawals`."""
    names = {"webhook": "receipts", "link": "links", "fact": "facts"}
    told = [f"{kinds.get(kind, 0)} {name}" for kind, name in names.items()]
    further = {"consent": "withdrawals", "parked": "parked webhooks"}
    return ", ".join([*told, *(f"{kinds[kind]} {name}" for kind, name in further.items() if kind in kinds)])
