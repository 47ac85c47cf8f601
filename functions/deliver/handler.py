"""Deliver queued webhooks to Batch: a Lambda handler for batches of the FIFO queue."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Tracer

from bridge.batch import BatchClient
from bridge.connections import Connections
from bridge.ledger import Ledger
from bridge.observability import logger
from bridge.parameters import Parameters
from bridge.provider import ProviderClient
from bridge.queue import WebhookQueue
from bridge.secrets import Secrets
from functions.deliver.delivery import Delivery, Mapper, Whole
from functions.deliver.kept_kinds import KeptKinds
from functions.sources import ROOMS, room

tracer = Tracer(patch_modules=("botocore", "httpx"))

STACK = os.environ["STACK_NAME"]
MAPPERS: Mapping[str, Mapper] = {source: room(source, "mapping").to_change for source in ROOMS}
WHOLES: Mapping[str, Whole] = {"stripe": room("stripe", "mapping").whole}

secrets = Secrets(STACK)
parameters = Parameters(STACK)
ledger = Ledger(os.environ["TABLE_NAME"])
kinds = KeptKinds(ledger)
connections = Connections(os.environ["TABLE_NAME"], ledger.client)
batch = BatchClient(os.environ["BATCH_API_URL"])
provider = ProviderClient()
queue = WebhookQueue(
    os.environ["QUEUE_URL"],
    dead_letter_url=os.environ["DEAD_LETTER_QUEUE_URL"],
    waiting_url=os.environ["WAITING_QUEUE_URL"],
    bucket=os.environ["BODIES_BUCKET"],
)


@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Deliver the batch, and name the messages that stay in the queue (partial batch response).

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    logger.append_keys(request_id=context.aws_request_id)
    delivery = Delivery(
        mappers=MAPPERS,
        ledger=ledger,
        queue=queue,
        secrets=secrets,
        parameters=parameters,
        connections=connections,
        batch=batch,
        clock=time.time,
        owner=context.aws_request_id,
        wholes=WHOLES,
        provider=provider,
        kinds=kinds,
    )
    stay = delivery.run(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in stay]}
