"""Send what deliveries say to Batch in few calls, and trace what is refused to its webhook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from bridge.batch.client import BatchClient, PartialError
from bridge.errors import BadCredentials, BatchUnavailable, NoTimeLeft, RejectedByBatch, Unavailable
from bridge.observability import count, logger, measure_seconds
from bridge.storage.secrets import BatchKeys, Secrets
from functions.deliver.circuit_breaker import CircuitBreaker
from functions.deliver.delivery import Delivery, Operation, Outcome, going, rounds_of

Answer = TypeVar("Answer")


class Sender:
    """Calls Batch with each project's own keys; `clock` returns Unix seconds, `seconds_left` the invocation's."""

    def __init__(
        self,
        batch: BatchClient,
        secrets: Secrets,
        clock: Callable[[], float],
        breaker: CircuitBreaker,
        seconds_left: Callable[[], float],
    ) -> None:
        self.batch = batch
        self.secrets = secrets
        self.clock = clock
        self.breaker = breaker
        self.seconds_left = seconds_left

    def send_all(self, deliveries: Sequence[Delivery]) -> None:
        """Send the deliveries, one call after the other, each project with its own keys."""
        for project in dict.fromkeys(delivery.settings.project for delivery in deliveries):
            for operations in rounds_of(
                [delivery for delivery in deliveries if delivery.settings.project == project]
            ):
                for call in self.calls_of([operation for operation in operations if not operation.is_empty]):
                    self.send(project, call)
        for delivery in going(deliveries):
            delivery.end(Outcome.DELIVERED)

    def calls_of(self, operations: Sequence[Operation]) -> list[list[Operation]]:
        """Return the operations of each call: one call for all, and one for each that may hold what made Batch
        refuse an earlier call."""
        together = [operation for operation in operations if not self.is_undecided(operation)]
        alone = [[operation] for operation in operations if self.is_undecided(operation)]
        return [together, *alone] if together else alone

    def is_undecided(self, operation: Operation) -> bool:
        return any(delivery.webhook.id in self.breaker.undecided for delivery in operation.deliveries)

    def send(self, project: str, operations: Sequence[Operation]) -> None:
        """Send operations in one call; one that is refused whole is halved until the guilty webhook is alone."""
        try:
            self.call(project, operations)
        except RejectedByBatch as error:
            for smaller in halves(operations):
                self.send(project, smaller)
            if is_single(operations):
                operations[0].deliveries[0].end(Outcome.PARKED, error)
            unsent = [
                delivery for delivery in deliveries_of(operations) if isinstance(delivery.failure, NoTimeLeft)
            ]
            self.breaker.note_undecided(delivery.webhook.id for delivery in unsent)
        except (BadCredentials, BatchUnavailable) as error:
            for delivery in deliveries_of(operations):
                delivery.end(Outcome.RETURNED, error)

    def call(self, project: str, operations: Sequence[Operation]) -> None:
        """Make one call, and note what its answer says of each webhook. Raises what BatchClient raises."""
        payload = [operation.payload() for operation in operations]
        started = self.clock()
        for error in self.update(project, payload):
            if 0 <= error.position < len(operations):
                operations[error.position].trace(error)
        measure_seconds("BatchLatency", self.clock() - started, project=project)
        for delivery in deliveries_of(operations):
            if delivery.refused:
                delivery.end(Outcome.PARKED, RejectedByBatch("Batch refused " + ", ".join(delivery.refused)))

    def update(self, project: str, operations: list[dict[str, Any]]) -> list[PartialError]:
        """Tell Batch of profiles; returns what it refused of them."""
        return self.with_keys(project, lambda keys: self.batch.update(keys, operations), len(operations))

    def with_keys(self, project: str, call: Callable[[BatchKeys], Answer], profiles: int = 1) -> Answer:
        """Call Batch once the breaker lets so many profiles through, and report the outcome to the breaker."""
        self.breaker.enter(project, profiles, self.seconds_left())
        try:
            answer = self.with_fresh_keys(project, call)
        except RejectedByBatch:
            self.breaker.reset(project)
            raise
        except (BadCredentials, BatchUnavailable) as error:
            self.breaker.trip(project, error)
            if isinstance(error, BadCredentials):
                logger.error("Batch credentials refused", project=project, reason=error.reason)
                count("BatchCredentialsRefused", in_all=True, project=project)
            raise
        self.breaker.reset(project)
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
        """Return the project's keys. Raises BadCredentials, BatchUnavailable."""
        try:
            return self.secrets.batch_keys(project)
        except Unavailable as error:
            raise BatchUnavailable(error.reason) from error

    def refreshed(self, project: str) -> bool:
        """Return whether the keys were read anew just now."""
        try:
            return self.secrets.refresh_batch_keys(project)
        except Unavailable:
            return False


def deliveries_of(operations: Iterable[Operation]) -> list[Delivery]:
    return [delivery for operation in operations for delivery in operation.deliveries]


def is_single(operations: Sequence[Operation]) -> bool:
    return len(operations) == 1 and len(operations[0].deliveries) == 1


def halves(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Return smaller calls with the same content: half of the operations, or the webhooks of one operation by
    themselves."""
    if len(operations) > 1:
        middle = len(operations) // 2
        return [list(operations[:middle]), list(operations[middle:])]
    [operation] = operations
    return (
        [[Operation(operation.custom_id, (delivery,))] for delivery in operation.deliveries]
        if len(operation.deliveries) > 1
        else []
    )
