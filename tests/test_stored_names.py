"""Pin the names of what lies in a deployed stack: a renamed resource goes with its data, a renamed row is lost."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import cfn_flip

from bridge.storage import archive, ledger, queue
from bridge.storage import secrets as stored_secrets

RESOURCES: dict[str, Any] = json.loads(json.dumps(cfn_flip.load_yaml(Path("template.yaml").read_text())))[
    "Resources"
]
PREFIX = re.compile(r"[a-z]+#")


def test_what_holds_data_or_is_addressed_from_outside_keeps_its_logical_id() -> None:
    kinds = {
        "AWS::Serverless::HttpApi",
        "AWS::SQS::Queue",
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
    }
    assert {name: one["Type"].split("::")[-1] for name, one in RESOURCES.items() if one["Type"] in kinds} == {
        "Api": "HttpApi",
        "WebhooksQueue": "Queue",
        "DeadLetterQueue": "Queue",
        "WaitingQueue": "Queue",
        "LeftBehindQueue": "Queue",
        "LedgerTable": "Table",
        "BodiesBucket": "Bucket",
        "AlarmTopic": "Topic",
    }


def test_queues_and_the_topic_keep_their_names_and_table_and_bucket_have_none() -> None:
    names = ("QueueName", "TopicName", "TableName", "BucketName")
    properties = {name: one.get("Properties", {}) for name, one in RESOURCES.items()}
    assert {i: p[n]["Fn::Sub"] for i, p in properties.items() for n in names if n in p} == {
        "WebhooksQueue": "${AWS::StackName}-webhooks.fifo",
        "DeadLetterQueue": "${AWS::StackName}-dead-letters.fifo",
        "WaitingQueue": "${AWS::StackName}-waiting",
        "LeftBehindQueue": "${AWS::StackName}-left-behind",
        "AlarmTopic": "${AWS::StackName}-alarms",
    }


def test_the_table_keeps_its_keys_and_its_index() -> None:
    table = RESOURCES["LedgerTable"]["Properties"]
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert [one["IndexName"] for one in table["GlobalSecondaryIndexes"]] == ["by_profile"]
    assert table["TimeToLiveSpecification"]["AttributeName"] == "expires_at"


def test_every_row_of_the_table_keeps_its_prefix() -> None:
    found = set()
    for path in [*Path("layers/core/bridge").rglob("*.py"), *Path("functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                found |= set(PREFIX.findall(str(node.values[0].value))[:1])
    assert found == {
        "address#",
        "connection#",
        "consent#",
        "emails#",
        "erasure#",
        "fact#",
        "gaps#",
        "kind#",
        "link#",
        "profile#",
        "progress#",
        "shape#",
        "tries#",
        "webhook#",
    }


def test_rows_and_objects_keep_the_form_of_their_keys() -> None:
    assert ledger.profile_key("main", "ada") == "profile#main#ada"
    assert ledger.receipt_key("w1") == "webhook#w1"
    assert ledger.link_key("main", "order:1") == "link#main#order:1"
    assert ledger.fact_key("main", "a") == "fact#main#a"
    assert ledger.consent_key("main", "a") == "consent#main#a"
    assert ledger.kind_key("main", "a") == "kind#main#a"
    assert queue.body_key("shopify", "main", "w1") == "bodies/shopify/main/w1"
    assert archive.PREFIX == "parked/"


def test_secrets_keep_their_names() -> None:
    assert (stored_secrets.PREVIOUS, stored_secrets.API) == ("@previous", "api")
    assert names_in("secrets") == {
        "{}/{}/{}",
        "{}/{}/{}{}",
        "{}/{}/",
        "{}{}",
        "{}/{}/{}/{}",
        "{}/batch/{}",
        "{}/{}",
    }


def test_parameters_keep_their_names() -> None:
    assert {"/{}/{}/{}", "/{}/{}", "/{}/connections/{}"} <= names_in("parameters")


def names_in(module: str) -> set[str]:
    """Return the forms of the names that a module writes, with `{}` for each part that is filled in."""
    tree = ast.parse(Path(f"layers/core/bridge/storage/{module}.py").read_text(encoding="utf-8"))
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return {
        "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        for node in joined
    }
