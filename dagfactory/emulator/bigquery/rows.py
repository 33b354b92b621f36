"""Rows of a table as lines of JSON, for the emulator's other services."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagfactory.emulator.bigquery import sources
from dagfactory.emulator.bigquery.identifiers import TableName
from dagfactory.emulator.bigquery.types import Field
from dagfactory.emulator.bigquery.values import exported
from dagfactory.emulator.bigquery.warehouse import Warehouse
from dagfactory.emulator.bigquery.writes import WriteSettings, write

JSON_LINES = "NEWLINE_DELIMITED_JSON"


def lines(warehouse: Warehouse, address: str) -> list[str]:
    """Return a table's rows as JSON export writes them; raises notFound."""
    table = warehouse.table(named(address))
    found = warehouse.page(table, 0, warehouse.count(table.name))
    return [json.dumps(exported(row, table.fields)) for row in found]


def append(warehouse: Warehouse, address: str, rows: Sequence[str]) -> None:
    """Append lines of JSON to a table, which is made when it is missing."""
    put(warehouse, named(address), rows, {}, None)


def put(
    warehouse: Warehouse,
    name: TableName,
    rows: Sequence[str],
    options: Mapping[str, Any],
    fields: Sequence[Field] | None,
) -> None:
    """Append lines of JSON with the columns `fields`, None finds them out."""
    given = {"sourceFormat": JSON_LINES, **options}
    with warehouse.scratch() as scratch, warehouse.transaction() as cursor:
        file = Path(scratch, "rows.jsonl")
        file.write_text("".join(f"{row}\n" for row in rows))
        select = sources.select(cursor, [file], given, fields, scratch)
        write(warehouse, cursor, name, select, WriteSettings())


def named(address: str) -> TableName:
    """Read `project.dataset.table`."""
    project, dataset, table = address.split(".")
    return TableName(project, dataset, table)
