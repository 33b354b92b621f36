"""Methods of tables: insert, get, list, patch, and rows that are streamed in."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagfactory.emulator.bigquery import object_files, sources
from dagfactory.emulator.bigquery.errors import unsupported
from dagfactory.emulator.bigquery.identifiers import DatasetName, TableName, quoted
from dagfactory.emulator.bigquery.jobs import LOCATION
from dagfactory.emulator.bigquery.rows import put
from dagfactory.emulator.bigquery.translate import QueryContext, translate
from dagfactory.emulator.bigquery.types import engine_type
from dagfactory.emulator.bigquery.warehouse import Warehouse
from dagfactory.emulator.storage import object_paths


class Tables:
    """The tables of a warehouse, as resources."""

    def __init__(self, warehouse: Warehouse, files: Path) -> None:
        self._warehouse, self._files = warehouse, files

    def insert(self, dataset: DatasetName, body: dict[str, Any]) -> dict[str, Any]:
        """Make a table, a view or an external table; raises `duplicate`, notFound."""
        name = TableName.of({**body["tableReference"], **dataset.reference})
        body = {**body, "creationTime": _now()}
        if external := body.get("externalDataConfiguration"):
            select = self._external(external, body)
            self._warehouse.create_view(name, select, {**body, "type": "EXTERNAL"})
        elif view := body.get("view"):
            self._warehouse.create_view(name, self._view(name, view), body)
        else:
            fields = (body.get("schema") or {}).get("fields", ())
            self._warehouse.create_table(name, fields, body)
        return self.resource(name)

    def resource(self, name: TableName) -> dict[str, Any]:
        """Return a table's resource; raises notFound."""
        table = self._warehouse.table(name)
        base = f"https://bigquery.googleapis.com/bigquery/v2/projects/{name.project}"
        return {
            "kind": "bigquery#table",
            "id": str(name),
            "selfLink": f"{base}/datasets/{name.dataset}/tables/{name.table}",
            "location": LOCATION,
            "numBytes": "0",
            "numRows": str(self._warehouse.count(name)),
            **table.extras,
            "type": table.kind,
            "tableReference": name.reference,
            "schema": {"fields": table.fields},
        }

    def listed(self, dataset: DatasetName) -> dict[str, Any]:
        """Return the tables of a dataset; raises notFound."""
        self._warehouse.dataset(dataset)
        found = [self._warehouse.table(name) for name in self._warehouse.tables(dataset)]
        items = [
            {
                "kind": "bigquery#table",
                "id": str(table.name),
                "type": table.kind,
                "tableReference": table.name.reference,
            }
            for table in found
        ]
        return {"kind": "bigquery#tableList", "tables": items, "totalItems": len(items)}

    def patch(self, name: TableName, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge settings into a table's resource; new columns of its schema are added."""
        table = self._warehouse.table(name)
        known = {each["name"] for each in table.fields}
        fields = (body.get("schema") or {}).get("fields", ())
        merged = {**table.extras, **body, "lastModifiedTime": _now()}
        with self._warehouse.transaction() as cursor:
            for each in fields:
                if each["name"] not in known:
                    column = f"{quoted(each['name'])} {engine_type(each)}"
                    cursor.execute(f"ALTER TABLE {name.sql} ADD COLUMN {column}")
        self._warehouse.patch(name, {k: v for k, v in merged.items() if v is not None})
        return self.resource(name)

    def insert_all(self, name: TableName, body: Mapping[str, Any]) -> dict[str, Any]:
        """Append rows; a row that does not fit is refused with all the others."""
        table = self._warehouse.table(name)
        options = {"ignoreUnknownValues": body.get("ignoreUnknownValues")}
        lines = [json.dumps(row["json"]) for row in body["rows"]]
        put(self._warehouse, name, lines, options, table.fields)
        return {"kind": "bigquery#tableDataInsertAllResponse"}

    def _external(self, external: Mapping[str, Any], body: Mapping[str, Any]) -> str:
        """Return the SELECT over files that are looked for whenever the table is read."""
        if external.get("sourceFormat") not in {"CSV", "NEWLINE_DELIMITED_JSON", "PARQUET"}:
            raise unsupported(f"external tables of {external.get('sourceFormat')}")
        object_files.matching(self._files, list(external["sourceUris"]))
        found = [object_files.split(uri) for uri in external["sourceUris"]]
        globs = [object_paths.object_path(self._files, bucket, name) for bucket, name in found]
        shape = external.get("schema") or body.get("schema") or {}
        options = {**external, **(external.get("csvOptions") or {})}
        with self._warehouse.cursor() as cursor, self._warehouse.scratch() as scratch:
            return sources.select(cursor, globs, options, shape.get("fields"), scratch)

    def _view(self, name: TableName, view: Mapping[str, Any]) -> str:
        read = self._warehouse.table
        scope = QueryContext(
            name.project, name.parent.reference, (), lambda each: read(each).name.sql
        )
        (statement,) = translate(view["query"], scope)
        return statement.sql


def _now() -> str:
    return str(time.time_ns() // 1_000_000)
