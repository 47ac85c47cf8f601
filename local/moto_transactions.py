"""Let a transaction of moto's DynamoDB copy the rows that it touches. moto 5 copies the whole table, once for each row:
with 10,000 rows, a transaction that writes 100 takes minutes.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, TypeAlias

from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType

Operation: TypeAlias = Mapping[str, Any]
Table: TypeAlias = Any

whole_tables: Any = models.DynamoDBBackend.transact_write_items


def transact_write_items(backend: Any, transact_items: list[Operation]) -> None:
    """Write to tables of the touched rows alone, and put these back where all of it succeeded."""
    tables = dict(backend.tables)
    touched = touched_keys(tables, transact_items)
    parts = {name: part_of(tables[name], keys) for name, keys in touched.items()}
    backend.tables.update(parts)
    try:
        whole_tables(backend, transact_items)
        written = {name: backend.tables[name].items for name in parts}
    finally:
        backend.tables.update({name: tables[name] for name in parts})
    for name, rows in written.items():
        for key in touched[name]:
            if key in rows:
                tables[name].items[key] = rows[key]
            else:
                tables[name].items.pop(key, None)


def touched_keys(tables: Mapping[str, Table], transact_items: list[Operation]) -> dict[str, list[DynamoType]]:
    """Return the partition keys of the rows of a transaction, by table; moto refuses a table that is not there."""
    touched: defaultdict[str, list[DynamoType]] = defaultdict(list)
    for item in transact_items:
        for operation in item.values():
            if table := tables.get(operation.get("TableName")):
                row = operation.get("Key") or operation.get("Item") or {}
                if key := row.get(table.hash_key_attr):
                    touched[table.name].append(DynamoType(key))
    return touched


def part_of(table: Table, keys: list[DynamoType]) -> Table:
    """Return a table that has copies of these rows and no others."""
    part = copy.copy(table)
    part.items = defaultdict(
        dict, {key: copy.deepcopy(table.items[key]) for key in keys if key in table.items}
    )
    return part


def install() -> None:
    """Let moto run its transactions like this from now on, in this process."""
    models.DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign, assignment]
