"""What the second emulator lacks, each with its proof: a test fails here as soon as the emulator has it.

Then take what replaces it out of `deployed.py`, and its row out of docs/emulated.md.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.process import ROOT
from tests.emulated.deployed import (
    BATCHES,
    Deployed,
    assume,
    failures,
    settled,
    translated_template,
    without_what_is_lacking,
)
from tests.emulated.ministack import ACCOUNT, REGION, Ministack
from tests.emulated.sender import eventually

BATCH = {"BatchApiUrl": "http://127.0.0.1:9/2.11"}
PAGE = (ROOT / "docs/emulated.md").read_text(encoding="utf-8")


def made(emulator: Ministack, stack: str, resources: dict[str, Any]) -> str:
    """The status of a small stack."""
    template = json.dumps({"Resources": resources})
    emulator.client("cloudformation").create_stack(StackName=stack, TemplateBody=template)
    return settled(emulator, stack)


def test_an_alarm_that_computes_cannot_be_made(emulator: Ministack) -> None:
    translated = translated_template(BATCH)["Resources"]
    kept = without_what_is_lacking({"Resources": translated})["Resources"]
    left_out = [name for name in translated if name not in kept]
    assert left_out, "no alarm of the template computes any more: take it out of is_lacking"
    metric = {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent"}
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "Metrics": [
            {"Id": "sum", "Expression": "first + second"},
            *(
                {
                    "Id": name,
                    "ReturnData": False,
                    "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
                }
                for name in ("first", "second")
            ),
        ],
    }
    status = made(emulator, "computes", {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}})
    assert status == "ROLLBACK_COMPLETE"
    assert "metric math" in " ".join(failures(emulator, "computes"))


def test_an_api_gets_no_routes_from_its_body(emulator: Ministack, bridge: Deployed) -> None:
    function = bridge.functions["ShopifyFunction"].arn
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "payloadFormatVersion": "2.0",
        "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations",
    }
    path = {"post": {"responses": {}, "x-amazon-apigateway-integration": integration}}
    body = {"openapi": "3.0.1", "info": {"title": "routes", "version": "1"}, "paths": {"/a": path}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body}}
    assert made(emulator, "routes", {"Api": api}) == "CREATE_COMPLETE"
    client = emulator.client("apigatewayv2")
    [found] = [one for one in client.get_apis()["Items"] if one["Name"].startswith("routes")]
    assert client.get_routes(ApiId=found["ApiId"])["Items"] == []


def test_a_batch_of_sqs_has_a_permission_of_its_own(emulator: Ministack) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html"""
    iam, queue = emulator.client("iam"), emulator.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    allow = {"Effect": "Allow", "Action": list(BATCHES), "Resource": "*"}
    role = iam.create_role(RoleName="batches", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="batches", PolicyName="batches", PolicyDocument=document)
    client = emulator.client("sqs", assume(emulator, role))
    assert client.send_message(QueueUrl=queue, MessageBody="a")["MessageId"]
    for send_several in (
        lambda: client.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "a"}]),
        lambda: client.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": "a"}]),
        lambda: client.change_message_visibility_batch(
            QueueUrl=queue, Entries=[{"Id": "1", "ReceiptHandle": "a", "VisibilityTimeout": 0}]
        ),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            send_several()


def test_the_key_of_a_row_is_no_condition(bridge: Deployed) -> None:
    """The template lets a receiver write the rows of its own connections, by `dynamodb:LeadingKeys`."""
    client = bridge.emulator.client("dynamodb", bridge.role_of("ShopifyFunction"))
    assert client.update_item(
        TableName=bridge.variable("TABLE_NAME"),
        Key={"pk": {"S": "connection#stripe/of-a-test"}},
        UpdateExpression="SET noted = :at",
        ExpressionAttributeValues={":at": {"S": "now"}},
    )


def test_sqs_does_not_say_which_function_sent_a_message(emulator: Ministack) -> None:
    """In AWS it says role and session, by which deliver holds each function to its own sources.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """
    iam, sqs = emulator.client("iam"), emulator.client("sqs")
    allow = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    role = iam.create_role(RoleName="sends", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_role_policy(RoleName="sends", PolicyName="sends", PolicyDocument=document)
    url = sqs.create_queue(QueueName="senders")["QueueUrl"]
    emulator.client("sqs", assume(emulator, role)).send_message(QueueUrl=url, MessageBody="a")
    [message] = sqs.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
    assert message["Attributes"]["SenderId"] == ACCOUNT


def test_an_http_api_is_not_imported(emulator: Ministack) -> None:
    """`tools.adopt` imports the API too, so that addresses stay: here it is left out."""
    api = {"Type": "AWS::ApiGatewayV2::Api", "DeletionPolicy": "Retain", "Properties": {"Name": "a"}}
    free = emulator.client("apigatewayv2").create_api(Name="a", ProtocolType="HTTP")["ApiId"]
    client = emulator.client("cloudformation")
    client.create_change_set(
        StackName="imported",
        ChangeSetName="adopt",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": {"Api": api}}),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::ApiGatewayV2::Api",
                "LogicalResourceId": "Api",
                "ResourceIdentifier": {"ApiId": free},
            }
        ],
    )

    def reason() -> str:
        described = client.describe_change_set(StackName="imported", ChangeSetName="adopt")
        return str(described.get("StatusReason", ""))

    assert "not supported by this emulator for AWS::ApiGatewayV2::Api" in eventually(reason, 20)


def test_a_deleted_stack_does_not_say_when(emulator: Ministack) -> None:
    """`tools.adopt` looks for the one that was deleted last."""
    queue = {"Type": "AWS::SQS::Queue"}
    assert made(emulator, "deleted", {"Queue": queue}) == "CREATE_COMPLETE"
    client = emulator.client("cloudformation")
    client.delete_stack(StackName="deleted")

    def summaries() -> list[Any]:
        found = client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
        return [one for one in found if one["StackName"] == "deleted"]

    [summary] = eventually(summaries, 20)
    assert "DeletionTime" not in summary


def test_an_api_is_not_throttled(bridge: Deployed) -> None:
    """The template's stage says how many requests a second; the emulator's has forgotten."""
    [stage] = bridge.emulator.client("apigatewayv2").get_stages(ApiId=bridge.api)["Items"]
    assert "ThrottlingRateLimit" not in stage.get("DefaultRouteSettings", {})


def test_the_page_tells_of_each_lack_and_of_no_other() -> None:
    proofs = set(re.findall(r"`tests/emulated/test_lacks\.py::(test_\w+)`", PAGE))
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_page_tells_of_each_lack_and_of_no_other"
    }
    assert proofs == here
