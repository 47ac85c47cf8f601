"""Deliver queued webhooks to Batch: a Lambda handler for batches of the FIFO queue."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

from bridge.batch.client import BatchClient
from bridge.observability import logger
from bridge.providers.client import ProviderClient
from bridge.receiving.confirmation import TopicCheck
from bridge.storage.connections import Connections
from bridge.storage.deadline import Deadline
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from functions.deliver.backlog import Backlog
from functions.deliver.circuit_breaker import PROFILES_PER_SECOND, CircuitBreaker
from functions.deliver.pipeline import DeliveryPipeline, Hydrate, Mapper
from functions.deliver.poison_messages import Invocation
from functions.deliver.preview import previewed
from functions.deliver.schema_drift.watcher import Reading, SchemaWatcher
from functions.deliver.senders import Senders
from functions.deliver.tracing import traced, tracer
from functions.deliver.type_registry import TypeRegistry
from functions.sources.registry import SOURCE_PACKAGES, source_module

STACK = os.environ["STACK_NAME"]
MAPPINGS = {source: source_module(source, "mapping") for source in SOURCE_PACKAGES}
MAPPERS: Mapping[str, Mapper] = {source: mapping.to_change for source, mapping in MAPPINGS.items()}
WHOLES: Mapping[str, Hydrate] = {
    source: mapping.whole for source, mapping in MAPPINGS.items() if hasattr(mapping, "whole")
}
CHECKS: Mapping[str, TopicCheck] = {
    source: mapping.TOPIC_CHECK for source, mapping in MAPPINGS.items() if hasattr(mapping, "TOPIC_CHECK")
}
READINGS: Mapping[str, Reading] = {
    source: cast(Reading, mapping) for source, mapping in MAPPINGS.items() if hasattr(mapping, "reads")
}

deadline = Deadline()
secrets = Secrets(STACK).within(deadline)
parameters = Parameters(STACK).within(deadline)
ledger = Ledger(os.environ["TABLE_NAME"]).within(deadline)
kinds = TypeRegistry(ledger)
connections = Connections(os.environ["TABLE_NAME"], ledger.client)
schemas = SchemaWatcher(READINGS, ledger, connections, time.time)
batch = BatchClient(os.environ["BATCH_API_URL"], traced=traced)
provider = ProviderClient()
breaker = CircuitBreaker(profiles_per_second=PROFILES_PER_SECOND / int(os.environ["DELIVER_CONCURRENCY"]))
senders = Senders.of(os.environ["SENDERS"])
queue = WebhookQueue(
    os.environ["QUEUE_URL"],
    dead_letter_url=os.environ["DEAD_LETTER_QUEUE_URL"],
    waiting_url=os.environ["WAITING_QUEUE_URL"],
    bucket=os.environ["BODIES_BUCKET"],
).within(deadline)
new_delivery = partial(
    DeliveryPipeline,
    mappers=MAPPERS,
    ledger=ledger,
    queue=queue,
    secrets=secrets,
    parameters=parameters,
    connections=connections,
    batch=batch,
    clock=time.time,
    hydrators=WHOLES,
    checks=CHECKS,
    provider=provider,
    breaker=breaker,
    backlog=Backlog(queue),
    kinds=kinds,
    schemas=schemas,
    api_url=os.environ["API_URL"],
)


@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Deliver the batch, and name the messages that stay in the queue (partial batch response).

    An event with envelopes under `preview` only asks what they would become.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    logger.append_keys(request_id=context.aws_request_id)

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    deadline.seconds_left = seconds_left

    def pipeline() -> DeliveryPipeline:
        return new_delivery(owner=context.aws_request_id, seconds_left=seconds_left)

    if "preview" in event:
        return {"webhooks": previewed(pipeline(), event["preview"])}
    stay = Invocation(pipeline, ledger, queue, time.time, seconds_left, senders).run(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in stay]}
