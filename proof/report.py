"""Count a run, and say whether it kept the promises. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bridge.errors import TopicUnconfirmed
from bridge.storage.ledger import DELIVERED, IGNORED, PARKED, Receipt
from proof.claims import CLAIM
from proof.compare import Judgement
from proof.observer import is_final, is_waiting
from proof.scenario import BROKEN, ERASURE, FORGED, LATE, REPEAT, REPLAYED, TRUE
from proof.scenario import IGNORED as OF_NO_INTEREST
from proof.sender import Sent

BROKEN_ANSWERS = frozenset({400, 413})
BROKEN_CLASSES = frozenset({"mapping_failed", "identity_unknown"})
UNCONFIRMED = TopicUnconfirmed.failure_class
MILLISECONDS = 1000
MOST_TO_LOOK_AT = 20


@dataclass(slots=True)
class Report:
    """The figures of a run. Milliseconds of answers are the sender's; seconds to Batch are the receipts'."""

    seed: int
    webhooks: int
    requests: int = 0
    accepted: int = 0
    repeats: int = 0
    ignored: int = 0
    broken: int = 0
    broken_refused: int = 0
    broken_waiting: int = 0
    forged: int = 0
    forged_accepted: int = 0
    forged_unclear: int = 0
    replayed: int = 0
    replayed_mapped: int = 0
    claims: int = 0
    erasures: int = 0
    erased: int = 0
    not_erased: int = 0
    erased_wrongly: int = 0
    late: int = 0
    late_mapped: int = 0
    refused_wrongly: int = 0
    repeats_unrecognised: int = 0
    delivered: int = 0
    unfinished: int = 0
    lost: int = 0
    doubled_inside_window: int = 0
    doubled_outside_window: int = 0
    events_expected: int = 0
    events_unexpected: int = 0
    parked_expected: dict[str, int] = field(default_factory=dict)
    parked_unexpected: dict[str, int] = field(default_factory=dict)
    profiles_compared: int = 0
    profiles_equal: int = 0
    profiles_unknown: int = 0
    profiles_to_look_at: tuple[str, ...] = ()
    tried_again: int = 0
    outages: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    answer_p50_milliseconds: float | None = None
    answer_p99_milliseconds: float | None = None
    to_batch_p50_seconds: float | None = None
    to_batch_p95_seconds: float | None = None
    batch_calls_per_1000_webhooks: float | None = None
    seconds: float = 0.0
    seconds_of_sending: float = 0.0
    webhooks_per_second: float = 0.0
    usd_per_million_webhooks: float | None = None
    sources_left_out: tuple[str, ...] = ()

    @property
    def broken_promises(self) -> list[str]:
        """Return what must be 0 and is not."""
        must_be_zero = {
            "lost": self.lost,
            "doubled_outside_window": self.doubled_outside_window,
            "forged_accepted": self.forged_accepted,
            "forged_unclear": self.forged_unclear,
            "replayed_mapped": self.replayed_mapped,
            "not_erased": self.not_erased,
            "erased_wrongly": self.erased_wrongly,
            "late_mapped": self.late_mapped,
            "refused_wrongly": self.refused_wrongly,
            "repeats_unrecognised": self.repeats_unrecognised,
            "unfinished": self.unfinished,
            "events_unexpected": self.events_unexpected,
            "parked_unexpected": sum(self.parked_unexpected.values()),
            "profiles_unequal": self.profiles_compared - self.profiles_equal,
            "profiles_unknown": self.profiles_unknown,
        }
        return [name for name, count in must_be_zero.items() if count]

    @property
    def is_kept(self) -> bool:
        """Return whether every promise was kept, by a run that had something to lose."""
        return self.delivered > 0 and not self.broken_promises

    def as_json(self) -> dict[str, Any]:
        return {"kept": self.is_kept, "broken_promises": self.broken_promises, **asdict(self)}


def count_answers(report: Report, sent: Sequence[Sent]) -> None:
    """Count what the endpoint answered."""
    kinds: dict[str, list[Sent]] = {
        kind: [] for kind in (TRUE, REPEAT, OF_NO_INTEREST, BROKEN, FORGED, REPLAYED, ERASURE, LATE)
    }
    for one in sent:
        kinds[one.posting.kind].append(one)
    firsts = {one.posting.webhook for one in kinds[TRUE] if one.is_accepted}
    report.requests = sum(one.tries for one in sent)
    report.accepted = len(firsts)
    report.repeats = sum(one.is_accepted for one in (*kinds[TRUE], *kinds[REPEAT])) - len(firsts)
    report.broken = len(kinds[BROKEN])
    report.broken_refused = sum(one.status in BROKEN_ANSWERS for one in kinds[BROKEN])
    report.forged = len(kinds[FORGED])
    report.forged_accepted = sum(one.is_let_in for one in kinds[FORGED])
    report.forged_unclear = sum(not one.is_let_in and one.status not in (401, 404) for one in kinds[FORGED])
    report.replayed = len(kinds[REPLAYED])
    report.claims = sum(one.posting.way == CLAIM for one in kinds[TRUE])
    report.erasures, report.late = len(kinds[ERASURE]), len(kinds[LATE])
    right = [one for kind in kinds if kind not in (BROKEN, FORGED) for one in kinds[kind]]
    report.refused_wrongly = sum(not one.is_let_in for one in right) + sum(
        not one.is_let_in and one.status not in BROKEN_ANSWERS for one in kinds[BROKEN]
    )
    report.tried_again = sum(one.tries - 1 for one in sent)
    answered = sorted(seconds * MILLISECONDS for one in sent for seconds in one.answered)
    report.answer_p50_milliseconds = percentile(answered, 50)
    report.answer_p99_milliseconds = percentile(answered, 99)


def count_receipts(report: Report, sent: Sequence[Sent], receipts: Mapping[str, Receipt]) -> None:
    """Count what became of all that was accepted."""
    kinds = {one.webhook_id: one.posting.kind for one in sent if one.is_accepted}
    known = {webhook_id: receipts.get(webhook_id) for webhook_id in kinds}
    open_ends = [one for one, receipt in known.items() if not is_final(receipt)]
    resting = [one for one in open_ends if kinds[one] == BROKEN and is_waiting(known[one])]
    report.broken_waiting = len(resting)
    report.unfinished = len(open_ends) - len(resting)
    found = {webhook_id: receipt for webhook_id, receipt in known.items() if receipt}
    report.delivered = sum(receipt.status == DELIVERED for receipt in found.values())
    at_door = {one.posting.webhook for one in sent if one.is_ignored}
    report.ignored = len(at_door) + sum(
        receipt.status == IGNORED and kinds[one] != LATE for one, receipt in found.items()
    )
    count_readings(report, [(kinds[one], receipt) for one, receipt in found.items()])
    waits = sorted(seconds_of(one) for one in found.values() if one.status == DELIVERED)
    report.to_batch_p50_seconds = percentile(waits, 50)
    report.to_batch_p95_seconds = percentile(waits, 95)


def count_readings(report: Report, ended: Sequence[tuple[str, Receipt]]) -> None:
    """Count how each kind was read, and what was parked."""
    parked = [(kind, receipt.failure_class) for kind, receipt in ended if receipt.status == PARKED]
    unconfirmed = [failure for kind, failure in parked if (kind, failure) == (REPLAYED, UNCONFIRMED)]
    report.replayed_mapped = sum(kind == REPLAYED for kind, _ in ended) - len(unconfirmed)
    report.late_mapped = sum(kind == LATE and receipt.status != IGNORED for kind, receipt in ended)
    meant = [failure for kind, failure in parked if kind == BROKEN and failure in BROKEN_CLASSES]
    meant += unconfirmed
    report.parked_expected = classes(meant)
    report.parked_unexpected = classes(
        (Counter(failure for _, failure in parked) - Counter(meant)).elements()
    )


def count_profiles(report: Report, judgement: Judgement) -> None:
    """Count what is in Batch."""
    report.lost = judgement.lost
    report.doubled_inside_window = judgement.doubled_inside
    report.doubled_outside_window = judgement.doubled_outside
    report.events_expected = judgement.expected_events
    report.events_unexpected = judgement.strange
    report.profiles_compared = judgement.compared
    report.profiles_equal = judgement.equal
    report.profiles_unknown = len(judgement.strangers)
    report.erased_wrongly = len(judgement.emptied)
    found = dict.fromkeys([*judgement.unequal, *judgement.doubled, *judgement.strangers])
    report.profiles_to_look_at = tuple(found)[:MOST_TO_LOOK_AT]


def count_erased(report: Report, asked: Collection[str], left: Collection[str]) -> None:
    """Count those who were asked for, by who of them is left in Batch."""
    report.not_erased = len(set(asked) & set(left))
    report.erased = len(asked) - report.not_erased


def classes(failures: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(failures).items()))


def seconds_of(receipt: Receipt) -> float:
    """Return the seconds from the endpoint to Batch's answer."""
    finished, received = (datetime.fromisoformat(text) for text in (receipt.finished_at, receipt.received_at))
    return (finished - received).total_seconds()


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return a percentile of numbers in order; None of too few."""
    if len(ordered) < 2:
        return None
    return round(statistics.quantiles(ordered, n=100)[percent - 1], 3)
