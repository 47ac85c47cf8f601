"""Say what AWS takes for things, and what a million webhooks come to. The only place in the code that knows prices.

List prices of N. Virginia in US dollars, without free tiers; docs/cost.md has the same numbers, and a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MILLION = 1_000_000

# what docs/cost.md calls it                                   price of a unit in US dollars; where it is published
PRICES: Mapping[str, tuple[float, str]] = {
    "API Gateway, HTTP API: a million requests": (1.00, "https://aws.amazon.com/api-gateway/pricing/"),
    "Lambda, the receivers: a million invocations": (0.20, "https://aws.amazon.com/lambda/pricing/"),
    "Lambda, the receivers: GB-seconds on arm64": (0.0000133334, "https://aws.amazon.com/lambda/pricing/"),
    "SQS FIFO: a million requests": (0.50, "https://aws.amazon.com/sqs/pricing/"),
    "Lambda, deliver: a million invocations": (0.20, "https://aws.amazon.com/lambda/pricing/"),
    "Lambda, deliver: GB-seconds on arm64": (0.0000133334, "https://aws.amazon.com/lambda/pricing/"),
    "DynamoDB on demand: a million read units": (0.125, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    "DynamoDB on demand: a million write units": (
        0.625,
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    "DynamoDB: GB-months of storage with point-in-time recovery": (
        0.45,
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    ),
    "CloudWatch Logs: GB taken in": (0.50, "https://aws.amazon.com/cloudwatch/pricing/"),
    "Data out to Batch: GB": (0.09, "https://aws.amazon.com/ec2/pricing/on-demand/"),
}

# what a proof cannot measure   units for a million webhooks, as docs/cost.md counts them one by one
COUNTED: Mapping[str, float] = {
    "DynamoDB on demand: a million read units": 5,
    "DynamoDB on demand: a million write units": 7,
    "DynamoDB: GB-months of storage with point-in-time recovery": 1.4,
    "CloudWatch Logs: GB taken in": 2.3,
    "Data out to Batch: GB": 2,
}


@dataclass(frozen=True, slots=True)
class Used:
    """Hold what a run used: counts, and GB-seconds as the functions' memory times how long they were busy."""

    webhooks: int
    requests: int
    door_invocations: int
    door_gb_seconds: float
    queue_requests: int
    deliver_invocations: int
    deliver_gb_seconds: float


def cost_per_million(used: Used) -> float:
    """US dollars for a million webhooks like those of the run."""
    measured = {
        "API Gateway, HTTP API: a million requests": used.requests / used.webhooks,
        "Lambda, the receivers: a million invocations": used.door_invocations / used.webhooks,
        "Lambda, the receivers: GB-seconds on arm64": used.door_gb_seconds * MILLION / used.webhooks,
        "SQS FIFO: a million requests": used.queue_requests / used.webhooks,
        "Lambda, deliver: a million invocations": used.deliver_invocations / used.webhooks,
        "Lambda, deliver: GB-seconds on arm64": used.deliver_gb_seconds * MILLION / used.webhooks,
    }
    return sum(units * PRICES[name][0] for name, units in {**measured, **COUNTED}.items())
