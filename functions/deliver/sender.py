"""Send what jobs say to Batch in few calls, and trace what is refused to its webhook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from bridge.batch.client import BatchClient, PartialError
from bridge.errors import BadCredentials, BatchUnavailable, NoTimeLeft, RejectedByBatch, Unavailable
from bridge.observability import count, logger, measure_seconds
from bridge.storage.secrets import BatchKeys, Secrets
from functions.deliver.circuit_breaker import Gate
from functions.deliver.delivery import Job, Outcome, Parcel, going, rounds_of

Answer = TypeVar("Answer")


class Sender:
    """Calls Batch with each project's own keys; `clock` returns Unix seconds, `seconds_left` the invocation's."""

    def __init__(
        self,
        batch: BatchClient,
        secrets: Secrets,
        clock: Callable[[], float],
        gate: Gate,
        seconds_left: Callable[[], float],
    ) -> None:
        self.batch = batch
        self.secrets = secrets
        self.clock = clock
        self.gate = gate
        self.seconds_left = seconds_left

    def send_all(self, jobs: Sequence[Job]) -> None:
        """Send the jobs, one call after the other, each project with its own keys."""
        for project in dict.fromkeys(job.settings.project for job in jobs):
            for parcels in rounds_of([job for job in jobs if job.settings.project == project]):
                for call in self.calls_of([parcel for parcel in parcels if not parcel.is_empty]):
                    self.send(project, call)
        for job in going(jobs):
            job.end(Outcome.DELIVERED)

    def calls_of(self, parcels: Sequence[Parcel]) -> list[list[Parcel]]:
        """One call for all parcels, and one for each that may hold what made Batch refuse an earlier call."""
        together = [parcel for parcel in parcels if not self.is_undecided(parcel)]
        alone = [[parcel] for parcel in parcels if self.is_undecided(parcel)]
        return [together, *alone] if together else alone

    def is_undecided(self, parcel: Parcel) -> bool:
        return any(job.webhook.id in self.gate.undecided for job in parcel.jobs)

    def send(self, project: str, parcels: Sequence[Parcel]) -> None:
        """Send parcels in one call; one that is refused whole is halved until the guilty webhook is alone."""
        try:
            self.call(project, parcels)
        except RejectedByBatch as error:
            for smaller in halves(parcels):
                self.send(project, smaller)
            if is_single(parcels):
                parcels[0].jobs[0].end(Outcome.PARKED, error)
            unsent = [job for job in jobs_of(parcels) if isinstance(job.failure, NoTimeLeft)]
            self.gate.note_undecided(job.webhook.id for job in unsent)
        except (BadCredentials, BatchUnavailable) as error:
            for job in jobs_of(parcels):
                job.end(Outcome.RETURNED, error)

    def call(self, project: str, parcels: Sequence[Parcel]) -> None:
        """One call, and what its answer says of each webhook. Raises what BatchClient raises."""
        operations = [parcel.operation() for parcel in parcels]
        started = self.clock()
        for error in self.update(project, operations):
            if 0 <= error.position < len(parcels):
                parcels[error.position].trace(error)
        measure_seconds("BatchLatency", self.clock() - started, project=project)
        for job in jobs_of(parcels):
            if job.refused:
                job.end(Outcome.PARKED, RejectedByBatch("Batch refused " + ", ".join(job.refused)))

    def update(self, project: str, operations: list[dict[str, Any]]) -> list[PartialError]:
        """Tell Batch of profiles; returns what it refused of them."""
        return self.with_keys(project, lambda keys: self.batch.update(keys, operations), len(operations))

    def with_keys(self, project: str, call: Callable[[BatchKeys], Answer], profiles: int = 1) -> Answer:
        """Call Batch once the gate lets so many profiles through, and let the gate know how it went."""
        self.gate.enter(project, profiles, self.seconds_left())
        try:
            answer = self.with_fresh_keys(project, call)
        except RejectedByBatch:
            self.gate.open(project)
            raise
        except (BadCredentials, BatchUnavailable) as error:
            self.gate.close(project, error)
            if isinstance(error, BadCredentials):
                logger.error("Batch credentials refused", project=project, reason=error.reason)
                count("BatchCredentialsRefused", in_all=True, project=project)
            raise
        self.gate.open(project)
        return answer

    def with_fresh_keys(self, project: str, call: Callable[[BatchKeys], Answer]) -> Answer:
        """Call Batch; keys that it refuses, or that are missing, are read anew once, at most every 30 seconds."""
        keys = None
        try:
            keys = self.batch_keys(project)
            return call(keys)
        except BadCredentials:
            fresh = self.batch_keys(project) if self.refreshed(project) else keys
            if fresh is None or fresh == keys:
                raise
            return call(fresh)

    def batch_keys(self, project: str) -> BatchKeys:
        """The project's keys. Raises BadCredentials, BatchUnavailable."""
        try:
            return self.secrets.batch_keys(project)
        except Unavailable as error:
            raise BatchUnavailable(error.reason) from error

    def refreshed(self, project: str) -> bool:
        """Whether the keys were read anew just now."""
        try:
            return self.secrets.refresh_batch_keys(project)
        except Unavailable:
            return False


def jobs_of(parcels: Iterable[Parcel]) -> list[Job]:
    return [job for parcel in parcels for job in parcel.jobs]


def is_single(parcels: Sequence[Parcel]) -> bool:
    return len(parcels) == 1 and len(parcels[0].jobs) == 1


def halves(parcels: Sequence[Parcel]) -> list[list[Parcel]]:
    """Smaller calls with the same content: half of the parcels, or the webhooks of one parcel by themselves."""
    if len(parcels) > 1:
        middle = len(parcels) // 2
        return [list(parcels[:middle]), list(parcels[middle:])]
    [parcel] = parcels
    return [[Parcel(parcel.custom_id, (job,))] for job in parcel.jobs] if len(parcel.jobs) > 1 else []
