"""Stop a webhook whose topic the signed body does not allow, before it is mapped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bridge.errors import Ignored, TopicUnconfirmed
from bridge.receiving.confirmation import SEEN_BEFORE, TopicCheck, id_of_body
from bridge.storage.ledger import Ledger
from bridge.webhook import Webhook
from functions.deliver.delivery import TEST_EVENT, Job, Outcome


class TopicChecks:
    """The checks of all sources whose topic nobody signs, by source."""

    def __init__(self, checks: Mapping[str, TopicCheck], ledger: Ledger) -> None:
        self.checks = checks
        self.ledger = ledger

    def is_erasing(self, webhook: Webhook) -> bool:
        """Whether it asks to erase, which is done again each time that it comes."""
        check = self.checks.get(webhook.source)
        return check is not None and webhook.topic in check.erasing

    def confirm(self, job: Job, ids_in_batch: Collection[str]) -> None:
        """Raises TopicUnconfirmed where the body does not allow the topic, Ignored for a test, BatchUnavailable."""
        check = self.checks.get(job.webhook.source)
        if check is None:
            return
        verdict = check.judge(job.webhook, job.settings)
        if verdict.is_test and not job.settings.test_events:
            raise Ignored(TEST_EVENT)
        if verdict.doubt:
            raise TopicUnconfirmed(verdict.doubt)
        rivals = check.ids_under_rivals(job.webhook)
        if rivals and (rivals & set(ids_in_batch) or self.ledger.noted(rivals)):
            raise TopicUnconfirmed(SEEN_BEFORE)

    def keep_one_of_each_body(self, jobs: Sequence[Job]) -> None:
        """Park the same body once, under an id of its own, whatever topics it came under. Raises BatchUnavailable.

        One that was retried and is stopped again goes back to where it lay.
        """
        stopped = [job for job in jobs if isinstance(job.failure, TopicUnconfirmed)]
        for job in stopped:
            webhook = job.webhook
            job.webhook = replace(webhook, id=id_of_body(webhook.source, webhook.connection, webhook.body))
        parked = self.ledger.noted(job.webhook.id for job in stopped if not job.webhook.retries)
        for job in stopped:
            if job.webhook.id in parked:
                job.end(Outcome.REPEATED)
            parked.add(job.webhook.id)
