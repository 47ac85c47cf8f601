"""SQS says who sent a message: a function by its role and its name, as in AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local.aws import LocalAws, forget_all
from local.callers import ROLE_ID, access_key_of, sender_of
from local.environment import CREDENTIALS, function_variables
from local.template import FunctionSettings

REGION = "eu-west-1"


@pytest.fixture
def endpoint() -> Iterator[str]:
    with LocalAws() as aws:
        forget_all()  # moto's state is this process's, and so other tests'
        yield aws.endpoint


def sqs(endpoint: str, access_key: str) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key="local",
    )


def test_a_message_names_the_function_that_sent_it_and_keeps_the_name_in_another_queue(endpoint: str) -> None:
    people = sqs(endpoint, CREDENTIALS["AWS_ACCESS_KEY_ID"])
    url = people.create_queue(QueueName="all.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    function, other = (
        sqs(endpoint, access_key_of(name)) for name in ("stack-Forms-1a2B", "stack-Watch-3c4D")
    )
    function.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="a", MessageDeduplicationId="a")
    entry = {"Id": "1", "MessageBody": "b", "MessageGroupId": "b", "MessageDeduplicationId": "b"}
    other.send_message_batch(QueueUrl=url, Entries=[entry])
    people.send_message(QueueUrl=url, MessageBody="c", MessageGroupId="c", MessageDeduplicationId="c")
    answer = other.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["SenderId"])
    senders = {message["Body"]: message["Attributes"]["SenderId"] for message in answer["Messages"]}
    assert senders["a"] == f"{ROLE_ID}:stack-Forms-1a2B"
    assert senders["b"] == f"{ROLE_ID}:stack-Watch-3c4D"
    assert ":" not in senders["c"]


def test_each_function_signs_with_a_key_of_its_own() -> None:
    arn = f"arn:aws:lambda:{REGION}:123456789012:function:stack-Forms-1a2B"
    settings = FunctionSettings("FormsFunction", arn, "handler", 1, 128, {})
    key = function_variables(settings, "http://127.0.0.1:9", REGION)["AWS_ACCESS_KEY_ID"]
    assert key == access_key_of("stack-Forms-1a2B")
    assert sender_of(f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/sqs/aws4_request") == (
        f"{ROLE_ID}:stack-Forms-1a2B"
    )
    assert sender_of("AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-1/sqs/aws4_request") == ""
    assert sender_of("") == ""
