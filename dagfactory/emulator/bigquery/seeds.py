"""Tables that are there from the start: FOLDER/DATASET/TABLE.jsonl, .csv, .parquet, .avro or .sql."""

import json
import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any

from dagfactory.emulator.bigquery import sources
from dagfactory.emulator.bigquery.identifiers import DatasetName, TableName
from dagfactory.emulator.bigquery.translate import QueryContext, translate
from dagfactory.emulator.bigquery.warehouse import Warehouse
from dagfactory.emulator.bigquery.writes import WriteSettings, write
from dagfactory.emulator.errors import ApiError, SeedError

log = logging.getLogger(__name__)
FORMATS = {
    ".jsonl": "NEWLINE_DELIMITED_JSON",
    ".csv": "CSV",
    ".parquet": "PARQUET",
    ".avro": "AVRO",
}
QUERY = ".sql"
SHAPE = ".schema.json"


def seed(warehouse: Warehouse, folder: Path, project: str) -> None:
    """Make each file a table, in place of one of an earlier life; a query may read other tables.

    A folder is a dataset of `project`, or one of another project as PROJECT.DATASET. Raises SeedError.
    """
    files = [path for path in sorted(folder.glob("*/*")) if not path.name.endswith(SHAPE)]
    waiting = sorted(files, key=lambda path: path.suffix == QUERY)
    while waiting:
        late: dict[Path, ApiError] = {}
        for path in waiting:
            try:
                _seed(warehouse, path, project)
            except (ApiError, ValueError, OSError) as error:
                if not isinstance(error, ApiError) or error.http != HTTPStatus.NOT_FOUND:
                    raise SeedError(f"{path}: {error}") from None
                late[path] = error
        if len(late) == len(waiting):
            path, missing = next(iter(late.items()))
            raise SeedError(f"{path}: {missing}")
        waiting = list(late)


def _seed(warehouse: Warehouse, path: Path, project: str) -> None:
    owner, _, dataset = path.parent.name.rpartition(".")
    name = TableName(owner or project, DatasetName(project, dataset).dataset, path.stem)
    if path.suffix != QUERY and path.suffix not in FORMATS:
        known = ", ".join([*FORMATS, QUERY])
        raise ValueError(f"a table is a file that ends in {known}")
    resource = _resource(path.with_name(path.stem + SHAPE))
    fields = resource.get("schema", {}).get("fields")
    how = WriteSettings("WRITE_TRUNCATE", extras=resource)
    with warehouse.scratch() as scratch, warehouse.transaction() as cursor:
        if path.suffix == QUERY:
            select = _query(warehouse, path, name)
        else:
            options = {"sourceFormat": FORMATS[path.suffix], "skipLeadingRows": 1}
            select = sources.select(cursor, [path], options, fields, scratch)
        write(warehouse, cursor, name, select, how)
    log.info("table %s from %s", name, path)


def _query(warehouse: Warehouse, path: Path, name: TableName) -> str:
    read = warehouse.table
    scope = QueryContext(name.project, name.parent.reference, (), lambda each: read(each).name.sql)
    statements = list(translate(path.read_text(), scope))
    if len(statements) != 1 or not statements[0].is_query:
        raise ValueError("the file must hold one SELECT")
    return statements[0].sql


def _resource(path: Path) -> dict[str, Any]:
    """Read columns as `bq show --schema` prints them, or a table's resource (partitions, …)."""
    if not path.exists():
        return {}
    found = json.loads(path.read_text())
    return {"schema": {"fields": found}} if isinstance(found, list) else dict(found)
