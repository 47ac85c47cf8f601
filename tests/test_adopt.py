"""A new stack can adopt what a deleted one left, under the logical ids of the template."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from tests.test_template import RETAINED
from tools.adopt import IDENTIFIERS, NothingLeft, adoption, left_behind, retained

STAGE = "ApiApiGatewayDefaultStage"
LEFT = {
    "Api": "a1b2c3",
    STAGE: "$default",
    "LedgerTable": "batch-bridge-LedgerTable-1A2B",
    "BodiesBucket": "batch-bridge-bodiesbucket-1a2b",
    "WebhooksQueue": "https://sqs.eu-west-1.amazonaws.com/123456789012/batch-bridge-webhooks.fifo",
    "DeadLetterQueue": "https://sqs.eu-west-1.amazonaws.com/123456789012/batch-bridge-dead-letters.fifo",
    "WaitingQueue": "https://sqs.eu-west-1.amazonaws.com/123456789012/batch-bridge-waiting",
    "LeftBehindQueue": "https://sqs.eu-west-1.amazonaws.com/123456789012/batch-bridge-left-behind",
}


class CloudFormation:
    """Answers as CloudFormation does of two stacks of one name that were deleted, one after the other."""

    def get_paginator(self, _: str) -> CloudFormation:
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        times = {"old": datetime(2026, 1, 1, tzinfo=UTC), "new": datetime(2026, 9, 1, tzinfo=UTC)}
        deleted = [
            {"StackName": "batch-bridge", "StackId": stack, "DeletionTime": time}
            for stack, time in times.items()
        ]
        return [{"StackSummaries": deleted[:1]}, {"StackSummaries": deleted[1:]}]

    def describe_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        assert StackName == "new"
        kept = [
            {"LogicalResourceId": name, "PhysicalResourceId": one, "ResourceStatus": "DELETE_SKIPPED"}
            for name, one in LEFT.items()
        ]
        gone = {
            "LogicalResourceId": "AlarmTopic",
            "PhysicalResourceId": "",
            "ResourceStatus": "DELETE_COMPLETE",
        }
        return {"StackResources": [*kept, gone]}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return retained(boto3.Session(region_name="eu-west-1"))


def test_all_that_outlives_a_stack_can_be_adopted(resources: dict[str, Any]) -> None:
    assert set(resources) == {*RETAINED, STAGE} == set(LEFT)
    assert {one["Type"] for one in resources.values()} == set(IDENTIFIERS)


def test_what_the_last_deleted_stack_left_is_found() -> None:
    assert left_behind(CloudFormation(), "batch-bridge") == LEFT
    with pytest.raises(NothingLeft):
        left_behind(CloudFormation(), "other")


def test_an_import_names_each_resource_by_its_identifier(resources: dict[str, Any]) -> None:
    found = {
        one["LogicalResourceId"]: one["ResourceIdentifier"] for one in adoption(resources, LEFT)["resources"]
    }
    assert found["LedgerTable"] == {"TableName": LEFT["LedgerTable"]}
    assert found[STAGE] == {"ApiId": LEFT["Api"], "StageName": "$default"}
    assert found["WebhooksQueue"] == {"QueueUrl": LEFT["WebhooksQueue"]}


def test_the_template_of_an_import_is_whole_in_itself(resources: dict[str, Any]) -> None:
    """It has no transform, no parameter, and names nothing that it does not have; each resource says that it stays."""
    template = adoption(resources, LEFT)["template"]
    assert set(template) == {"AWSTemplateFormatVersion", "Resources"}
    assert {one["DeletionPolicy"] for one in template["Resources"].values()} == {"RetainExceptOnCreate"}
    for name in references(template):
        assert name in template["Resources"] or name.startswith("AWS::"), name


def references(content: Any) -> list[str]:
    """What a template names by Ref and GetAtt."""
    if isinstance(content, list):
        return [name for one in content for name in references(one)]
    if not isinstance(content, dict):
        return []
    own = [content["Ref"]] if "Ref" in content else []
    own += [content["Fn::GetAtt"][0]] if "Fn::GetAtt" in content else []
    return own + references(list(content.values()))


def test_what_was_deleted_by_hand_is_left_out(resources: dict[str, Any]) -> None:
    some = {name: LEFT[name] for name in ("LedgerTable", "BodiesBucket")}
    assert set(adoption(resources, some)["template"]["Resources"]) == set(some)
    with pytest.raises(NothingLeft):
        adoption(resources, {})


def test_a_retained_resource_keeps_its_properties_that_no_update_can_change(
    resources: dict[str, Any],
) -> None:
    template = json.loads(json.dumps(adoption(resources, LEFT)))["template"]
    table, ours = template["Resources"]["LedgerTable"]["Properties"], resources["LedgerTable"]["Properties"]
    assert table["KeySchema"] == ours["KeySchema"]
    assert template["Resources"]["WebhooksQueue"]["Properties"]["FifoQueue"] is True
