"""Let moto's DynamoDB touch the rows that a call is about. moto 5 copies the whole table for each row of a transaction,
and sorts the whole table for each query: with 10,000 rows, a transaction that writes 100 takes minutes.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from moto.dynamodb import models
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table as MotoTable

Operation: TypeAlias = Mapping[str, Any]
Table: TypeAlias = Any

whole_tables: Any = models.DynamoDBBackend.transact_write_items
every_row: Any = MotoTable.query


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


def query(whole: Table, *arguments: Any, **named: Any) -> Any:
    """Query a table of the rows alone that have the hash keys of the conditions."""
    part = copy.copy(whole)
    wanted = named.get("hash_key_conditions") or ()
    part.items = {key: row for key, row in whole.items.items() if has_keys(row, wanted)}
    return every_row(part, *arguments, **named)


def has_keys(row: Any, wanted: Sequence[tuple[str, DynamoType]]) -> bool:
    """Return whether a row has these values; of a table with a range key, rows lie deeper, and moto looks."""
    if isinstance(row, dict):
        return True
    attributes = row.attrs
    return all(name in attributes and attributes[name].value == value.value for name, value in wanted)


def install() -> None:
    """Let moto work like this from now on, in this process."""
    models.DynamoDBBackend.transact_write_items = transact_write_items  # type: ignore[method-assign, assignment]
    MotoTable.query = query  # type: ignore[method-assign, assignment]
