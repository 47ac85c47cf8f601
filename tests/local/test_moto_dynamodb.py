"""moto's transactions and queries, of the rows that they are about: the same answers, whatever else there is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models.table import Table

from local import moto_dynamodb

moto_dynamodb.install()


@pytest.fixture
def table() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="ledger",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        for name in ("a", "b", "c"):
            client.put_item(TableName="ledger", Item={"pk": {"S": name}, "kind": {"S": f"old {name}"}})
        yield client


def update(name: str, kind: str, condition: str | None = None) -> dict[str, Any]:
    wanted = {"ConditionExpression": condition} if condition else {}
    return {
        "Update": {
            "TableName": "ledger",
            "Key": {"pk": {"S": name}},
            "UpdateExpression": "SET kind = :kind",
            "ExpressionAttributeValues": {":kind": {"S": kind}},
            **wanted,
        }
    }


def kinds(client: Any) -> dict[str, str]:
    rows = client.scan(TableName="ledger")["Items"]
    return {row["pk"]["S"]: row["kind"]["S"] for row in rows}


OLD = {name: f"old {name}" for name in "abc"}


def test_all_rows_are_written_and_the_others_stay(table: Any) -> None:
    delete = {"Delete": {"TableName": "ledger", "Key": {"pk": {"S": "b"}}}}
    put = {"Put": {"TableName": "ledger", "Item": {"pk": {"S": "e"}, "kind": {"S": "new e"}}}}
    table.transact_write_items(TransactItems=[update("a", "new a"), update("d", "new d"), delete, put])
    assert kinds(table) == {"a": "new a", "c": "old c", "d": "new d", "e": "new e"}


def test_where_one_condition_does_not_hold_nothing_is_written(table: Any) -> None:
    failing = update("c", "new c", "attribute_not_exists(kind)")
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        table.transact_write_items(TransactItems=[update("a", "new a"), update("d", "new d"), failing])
    assert kinds(table) == OLD


def test_a_table_that_is_not_there_is_refused_and_changes_nothing(table: Any) -> None:
    elsewhere = update("a", "new a")
    elsewhere["Update"]["TableName"] = "nowhere"
    with pytest.raises(ClientError):
        table.transact_write_items(TransactItems=[update("b", "new b"), elsewhere])
    assert kinds(table) == OLD


def test_no_row_is_copied_that_is_not_touched(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    plain = copy.deepcopy

    def counted(value: Any, *arguments: Any) -> Any:
        if isinstance(value, Table):
            sizes.append(len(value.items))
        return plain(value, *arguments)

    monkeypatch.setattr(copy, "deepcopy", counted)
    table.transact_write_items(TransactItems=[update("a", "new a")])
    assert sizes == [1]


def test_a_query_finds_the_rows_of_its_key_in_order_page_by_page(table: Any) -> None:
    table.create_table(
        TableName="indexed",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "profile", "since")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_profile",
                "KeySchema": [
                    {"AttributeName": "profile", "KeyType": "HASH"},
                    {"AttributeName": "since", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(12):
        row = {"pk": f"w{number}", "since": f"{11 - number:02}", "profile": "ada" if number % 2 else "bob"}
        table.put_item(TableName="indexed", Item={name: {"S": value} for name, value in row.items()})
    table.put_item(TableName="indexed", Item={"pk": {"S": "w99"}, "since": {"S": "99"}})
    pages = table.get_paginator("query").paginate(
        TableName="indexed",
        IndexName="by_profile",
        KeyConditionExpression="profile = :profile",
        ExpressionAttributeValues={":profile": {"S": "ada"}},
        PaginationConfig={"PageSize": 2},
    )
    found = [[item["pk"]["S"] for item in page["Items"]] for page in pages]
    assert [one for page in found for one in page] == ["w11", "w9", "w7", "w5", "w3", "w1"]
    assert max(len(page) for page in found) == 2


def test_a_query_of_a_table_by_its_own_key_finds_one_row(table: Any) -> None:
    found = table.query(
        TableName="ledger",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "a"}},
    )
    assert [item["pk"]["S"] for item in found["Items"]] == ["a"]
