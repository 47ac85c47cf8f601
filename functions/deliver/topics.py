"""Stop a webhook whose topic the signed body does not allow, before it is mapped."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bridge.errors import Ignored, TopicUnconfirmed
from bridge.receiving.confirmation import SEEN_BEFORE, TopicCheck, id_of_body
from bridge.storage.ledger import Ledger
from bridge.webhook import Webhook
from functions.deliver.delivery import TEST_EVENT, Delivery, Outcome


class TopicChecks:
    """The checks of all sources whose topic nobody signs, by source."""

    def __init__(self, checks: Mapping[str, TopicCheck], ledger: Ledger) -> None:
        self.checks = checks
        self.ledger = ledger

    def is_erasing(self, webhook: Webhook) -> bool:
        """Return whether it asks to erase, which is done again each time that it comes."""
        check = self.checks.get(webhook.source)
        return check is not None and webhook.topic in check.erasing

    def confirm(self, delivery: Delivery, ids_in_batch: Collection[str]) -> None:
        """Raises TopicUnconfirmed where the body does not allow the topic, Ignored for a test, BatchUnavailable."""
        check = self.checks.get(delivery.webhook.source)
        if check is None:
            return
        verdict = check.judge(delivery.webhook, delivery.settings)
        if verdict.is_test and not delivery.settings.test_events:
            raise Ignored(TEST_EVENT)
        if verdict.doubt:
            raise TopicUnconfirmed(verdict.doubt)
        rivals = check.ids_under_rivals(delivery.webhook)
        if rivals and (rivals & set(ids_in_batch) or self.ledger.noted(rivals)):
            raise TopicUnconfirmed(SEEN_BEFORE)

    def keep_one_of_each_body(self, deliveries: Sequence[Delivery]) -> None:
        """Park the same body once, under an id of its own, whatever topics it came under. Raises BatchUnavailable.

        One that was retried and is stopped again goes back to where it lay.
        """
        stopped = [delivery for delivery in deliveries if isinstance(delivery.failure, TopicUnconfirmed)]
        for delivery in stopped:
            webhook = delivery.webhook
            delivery.webhook = replace(
                webhook, id=id_of_body(webhook.source, webhook.connection, webhook.body)
            )
        parked = self.ledger.noted(
            delivery.webhook.id for delivery in stopped if not delivery.webhook.retries
        )
        for delivery in stopped:
            if delivery.webhook.id in parked:
                delivery.end(Outcome.REPEATED)
            parked.add(delivery.webhook.id)
