"""Print what lets a new stack adopt what a deleted one left: `python -m tools.adopt STACK`.

That is `{"template": ..., "resources": [...]}` for a change set of CloudFormation of the type IMPORT. Changes nothing.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

from local.template import translate

Json = dict[str, Any]

TEMPLATE = Path(__file__).parent.parent / "template.yaml"
KEPT = "RetainExceptOnCreate"
API, STAGE = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"

# type of a resource      what CloudFormation knows one by: the property that holds its physical id
IDENTIFIERS = {
    "AWS::SQS::Queue": "QueueUrl",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    API: "ApiId",
    STAGE: "StageName",
}

# type of a resource      its properties in the template of the import, where those in ours name what is not there yet
PLAIN: dict[str, Json] = {
    "AWS::S3::Bucket": {},
    API: {"Body": {"openapi": "3.0.1", "info": {"title": {"Ref": "AWS::StackName"}, "version": "1.0"}}},
    STAGE: {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
}


class NothingLeft(Exception):
    """No stack of this name was deleted, or it left nothing."""


def retained(session: Any) -> dict[str, Json]:
    """Return the resources of our template that outlive a stack, as CloudFormation knows them."""
    resources = translate(TEMPLATE, session, {})["Resources"]
    return {name: one for name, one in resources.items() if one.get("DeletionPolicy") == KEPT}


def left_behind(cloudformation: Any, stack: str) -> dict[str, str]:
    """Return what the stack of this name that was deleted last did not delete: physical ids by logical id.

    Raises NothingLeft.
    """
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    deleted = [one for page in pages for one in page["StackSummaries"] if one["StackName"] == stack]
    if not deleted:
        raise NothingLeft(f"no stack {stack} was deleted here in the last 90 days")
    last = max(deleted, key=lambda one: one["DeletionTime"])
    answer = cloudformation.describe_stack_resources(StackName=last["StackId"])
    return {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in answer["StackResources"]
        if one["ResourceStatus"] == "DELETE_SKIPPED"
    }


def adoption(resources: Mapping[str, Json], left: Mapping[str, str]) -> Json:
    """Return the template and the list of an import of what is left. Raises NothingLeft."""
    adopted = {name: one for name, one in resources.items() if name in left}
    if not adopted:
        raise NothingLeft("the deleted stack left nothing that this template has")
    return {
        "template": {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {
                name: {**one, "Properties": PLAIN.get(one["Type"], one["Properties"])}
                for name, one in adopted.items()
            },
        },
        "resources": [
            {
                "ResourceType": one["Type"],
                "LogicalResourceId": name,
                "ResourceIdentifier": identifier(one["Type"], name, left),
            }
            for name, one in adopted.items()
        ],
    }


def identifier(kind: str, name: str, left: Mapping[str, str]) -> dict[str, str]:
    """Return by what CloudFormation finds a resource; a stage by its API as well."""
    of_api = {"ApiId": left["Api"]} if kind == STAGE else {}
    return of_api | {IDENTIFIERS[kind]: left[name]}


if __name__ == "__main__":
    session = boto3.Session()
    try:
        left = left_behind(session.client("cloudformation"), sys.argv[1])
        print(json.dumps(adoption(retained(session), left), indent=2))
    except NothingLeft as error:
        sys.exit(str(error))
