"""A new stack adopts what a deleted one left, as docs/deploy.md tells: as far as the emulator goes."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from tests.emulated.deployed import (
    create,
    failures,
    settled,
    template_url,
    translated_template,
    upload,
    with_batches,
    without_what_is_lacking,
)
from tests.emulated.ministack import REGION, Ministack
from tests.emulated.sender import eventually
from tools.adopt import adoption, retained

STACK = "left"
PARAMETERS = {"BatchApiUrl": "http://127.0.0.1:9/2.11"}
NOT_IMPORTED = ("AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage")
"""Proof: test_an_http_api_is_not_imported."""
ROW = {"pk": {"S": "profile#default#ada"}}


@pytest.fixture(scope="module")
def left(emulator: Ministack) -> dict[str, str]:
    """What a stack left that was deployed and deleted: physical ids by logical id. Its table had a row."""
    upload(emulator, with_batches(without_what_is_lacking(translated_template(PARAMETERS))))
    create(emulator, STACK, PARAMETERS)
    client = emulator.client("cloudformation")
    ids = ids_of(client)
    emulator.client("dynamodb").put_item(TableName=ids["LedgerTable"], Item=ROW)
    client.delete_stack(StackName=STACK)
    return {name: ids[name] for name in retained(boto3.Session(region_name=REGION))}


def test_a_deleted_stack_leaves_its_table_its_bucket_and_its_queues(
    emulator: Ministack, left: dict[str, str]
) -> None:
    assert emulator.client("dynamodb").get_item(TableName=left["LedgerTable"], Key=ROW)["Item"] == ROW
    assert emulator.client("s3").head_bucket(Bucket=left["BodiesBucket"])
    for name in ("WebhooksQueue", "DeadLetterQueue"):
        assert emulator.client("sqs").get_queue_attributes(QueueUrl=left[name])


def test_its_table_is_adopted_by_a_change_set_of_imports(emulator: Ministack, left: dict[str, str]) -> None:
    """Then the whole template is deployed over it, and the row is still there."""
    session = boto3.Session(region_name=REGION)
    importable = {name: one for name, one in retained(session).items() if one["Type"] not in NOT_IMPORTED}
    client = emulator.client("cloudformation")
    found = adoption(importable, left)
    described = import_set(client, found, "adopt")
    assert {change["ResourceChange"]["Action"] for change in described["Changes"]} == {"Import"}
    assert described["ExecutionStatus"] == "AVAILABLE", described
    client.execute_change_set(StackName=STACK, ChangeSetName="adopt")
    assert settled(emulator, STACK) == "IMPORT_COMPLETE", failures(emulator, STACK)
    assert ids_of(client) == {name: left[name] for name in importable}
    client.update_stack(
        StackName=STACK,
        TemplateURL=template_url(emulator),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in PARAMETERS.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    assert settled(emulator, STACK) == "UPDATE_COMPLETE", failures(emulator, STACK)
    assert ids_of(client)["LedgerTable"] == left["LedgerTable"]
    assert emulator.client("dynamodb").get_item(TableName=left["LedgerTable"], Key=ROW)["Item"] == ROW


def import_set(client: Any, found: dict[str, Any], name: str) -> dict[str, Any]:
    """A change set of imports, once it is made or refused."""
    client.create_change_set(
        StackName=STACK,
        ChangeSetName=name,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(found["template"]),
        ResourcesToImport=found["resources"],
    )

    def made() -> dict[str, Any] | None:
        described: dict[str, Any] = client.describe_change_set(StackName=STACK, ChangeSetName=name)
        return None if described["Status"].endswith(("PENDING", "IN_PROGRESS")) else described

    described: dict[str, Any] = eventually(made, 20)
    return described


def ids_of(client: Any) -> dict[str, str]:
    """The physical ids of the stack's resources."""
    made = client.describe_stack_resources(StackName=STACK)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in made}
