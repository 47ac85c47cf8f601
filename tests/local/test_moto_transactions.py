"""moto's transactions, with copies of the touched rows alone: all or nothing, whatever else there is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.dynamodb.models.table import Table

from local import moto_transactions

moto_transactions.install()


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
