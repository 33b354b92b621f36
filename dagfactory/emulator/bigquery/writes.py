"""Put the rows of a SELECT into a table, as the dispositions of a job say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from dagfactory.emulator.bigquery.errors import BigQueryError, already_exists, not_found
from dagfactory.emulator.bigquery.identifiers import TableName, quoted
from dagfactory.emulator.bigquery.partitions import (
    PSEUDO,
    by_loading_time,
    condition,
    loading_time,
)
from dagfactory.emulator.bigquery.types import Field, engine_type, fields_of
from dagfactory.emulator.bigquery.warehouse import Table, Warehouse, forget, keep


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """How to write: `extras` is what the table's resource gets (partitions, schema, labels)."""

    disposition: str = "WRITE_APPEND"
    create: str = "CREATE_IF_NEEDED"
    extras: Mapping[str, Any] = field(default_factory=dict)
    may_add: bool = False


def write(
    warehouse: Warehouse,
    cursor: duckdb.DuckDBPyConnection,
    target: TableName,
    select: str,
    how: WriteSettings,
) -> int:
    """Write the rows of the engine's `select` and return their number, in an open transaction.

    Raises BigQueryError: `notFound` (CREATE_NEVER), `duplicate` (WRITE_EMPTY), `invalid`.
    """
    table = warehouse.find(target)
    source = normalized(cursor, select)
    if table is None:
        if how.create == "CREATE_NEVER":
            raise not_found("Table", target)
        warehouse.ensure_dataset(cursor, target.parent)
        return _create(cursor, target, source, how.extras)
    if how.disposition == "WRITE_EMPTY" and warehouse.count(target):
        raise already_exists("Table", target)
    if how.disposition != "WRITE_TRUNCATE":
        return _append(cursor, table, target, source, how)
    if target.partition:
        cursor.execute(f"DELETE FROM {target.sql} WHERE {condition(target, table.extras)}")
        return _append(cursor, table, target, source, how)
    return _create(cursor, target, source, {**table.extras, **how.extras})


def normalized(cursor: duckdb.DuckDBPyConnection, select: str) -> str:
    """Cast the columns of a SELECT to the types BigQuery has (a sum is INT64, not HUGEINT)."""
    shape = cursor.sql(select)
    fields = fields_of(shape.columns, shape.types)
    pairs = zip(fields, shape.types, strict=True)
    casts = [_cast(each, str(kind)) for each, kind in pairs]
    return f"SELECT {', '.join(casts)} FROM ({select})"


def _cast(each: Field, kind: str) -> str:
    name, wanted = quoted(each["name"]), engine_type(each)
    return name if wanted == kind else f"CAST({name} AS {wanted}) AS {name}"


def _create(
    cursor: duckdb.DuckDBPyConnection, target: TableName, source: str, extras: Mapping[str, Any]
) -> int:
    stamped = _stamped(source, extras, target)
    rows = cursor.execute(f"CREATE OR REPLACE TABLE {target.sql} AS {stamped}").fetchone()
    if target.partition:
        condition(target, extras)
    forget(cursor, target)
    keep(cursor, target.parent, target.table, extras)
    return _number(rows)


def _append(
    cursor: duckdb.DuckDBPyConnection,
    table: Table,
    target: TableName,
    source: str,
    how: WriteSettings,
) -> int:
    shape = cursor.sql(source)
    known = {str(each["name"]).lower() for each in table.fields}
    fresh = [each for each in fields_of(shape.columns, shape.types) if _new(each, known)]
    if fresh and not how.may_add:
        _mismatch(target, fresh)
    for each in fresh:
        column = f"{quoted(each['name'])} {engine_type(each)}"
        cursor.execute(f"ALTER TABLE {target.sql} ADD COLUMN {column}")
    stamped = _stamped(source, table.extras, target)
    return _number(cursor.execute(f"INSERT INTO {target.sql} BY NAME {stamped}").fetchone())


def _new(each: Field, known: set[str]) -> bool:
    return str(each["name"]).lower() not in known


def _mismatch(target: TableName, fresh: Sequence[Field]) -> None:
    name = fresh[0]["name"]
    message = f"Provided Schema does not match Table {target}. Cannot add fields (field: {name})"
    raise BigQueryError("invalid", message)


def _stamped(source: str, extras: Mapping[str, Any], target: TableName) -> str:
    if not by_loading_time(extras):
        return source
    moment = loading_time(extras, target.partition)
    return f"SELECT *, {moment} AS {quoted(PSEUDO)} FROM ({source})"


def _number(row: Any) -> int:
    return int(row[0]) if row else 0
