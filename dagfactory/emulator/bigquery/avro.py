"""Avro files: to the columns and rows of BigQuery, and back.

https://cloud.google.com/bigquery/docs/exporting-data#avro_export_details
"""

import base64
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro

from dagfactory.emulator.bigquery.errors import BigQueryError
from dagfactory.emulator.bigquery.types import NUMERIC_SCALE, Field

_FROM = {
    "boolean": "BOOLEAN",
    "int": "INTEGER",
    "long": "INTEGER",
    "float": "FLOAT",
    "double": "FLOAT",
    "bytes": "BYTES",
    "fixed": "BYTES",
    "string": "STRING",
    "enum": "STRING",
}
_LOGICAL = {
    "date": "DATE",
    "time-millis": "TIME",
    "time-micros": "TIME",
    "timestamp-millis": "TIMESTAMP",
    "timestamp-micros": "TIMESTAMP",
    "local-timestamp-millis": "DATETIME",
    "local-timestamp-micros": "DATETIME",
    "decimal": "NUMERIC",
}
_TO: dict[str, Any] = {
    "STRING": "string",
    "JSON": "string",
    "BYTES": "bytes",
    "INTEGER": "long",
    "FLOAT": "double",
    "BOOLEAN": "boolean",
    "DATE": {"type": "string", "sqlType": "DATE"},
    "DATETIME": {"type": "string", "sqlType": "DATETIME"},
    "TIME": {"type": "long", "logicalType": "time-micros"},
    "TIMESTAMP": {"type": "long", "logicalType": "timestamp-micros"},
    "NUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": NUMERIC_SCALE},
    "BIGNUMERIC": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 18},
}


def as_json_lines(paths: Sequence[Path], target: Path) -> list[dict[str, Any]]:
    """Write the rows of Avro files as one JSON object a line; return their columns."""
    fields: list[dict[str, Any]] = []
    with target.open("w") as lines:
        for path in paths:
            with path.open("rb") as file:
                rows = fastavro.reader(file)
                schema: Any = rows.writer_schema
                fields = [_field(each["name"], each["type"]) for each in schema["fields"]]
                lines.writelines(json.dumps(row, default=_plain) + "\n" for row in rows)
    return fields


def _field(name: str, schema: Any) -> dict[str, Any]:
    if isinstance(schema, list):
        inner = [each for each in schema if each != "null"]
        if len(inner) != 1:
            raise BigQueryError("invalid", f"The emulator reads no union of types ({name}).")
        return _field(name, inner[0])
    if isinstance(schema, str):
        schema = {"type": schema}
    kind = schema["type"]
    if kind == "array":
        return {**_field(name, schema["items"]), "mode": "REPEATED"}
    if kind == "record":
        inner = [_field(each["name"], each["type"]) for each in schema["fields"]]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": inner}
    found = _LOGICAL.get(schema.get("logicalType", "")) or _FROM.get(kind)
    if found is None:
        raise BigQueryError("invalid", f"The emulator reads no Avro {kind} ({name}).")
    return {"name": name, "type": found, "mode": "NULLABLE"}


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def write(path: Path, fields: Sequence[Field], rows: Iterable[Sequence[Any]], codec: str) -> None:
    """Write rows of the engine as one Avro file; `codec` is null, deflate or snappy."""
    schema = fastavro.parse_schema(_record("Root", fields))
    with path.open("wb") as file:
        fastavro.writer(file, schema, (_row(row, fields) for row in rows), codec=codec)


def _record(name: str, fields: Sequence[Field]) -> dict[str, Any]:
    columns = [{"name": each["name"], "type": _type(each, name)} for each in fields]
    return {"type": "record", "name": name, "fields": columns}


def _type(field: Field, inside: str) -> Any:
    record = f"{inside}_{field['name']}"
    one = _record(record, field["fields"]) if "fields" in field else _TO[field["type"]]
    if field["mode"] == "REPEATED":
        return {"type": "array", "items": one}
    return one if field["mode"] == "REQUIRED" else ["null", one]


def _row(values: Sequence[Any], fields: Sequence[Field]) -> Mapping[str, Any]:
    return {f["name"]: _value(v, f) for v, f in zip(values, fields, strict=True)}


def _value(value: Any, field: Field) -> Any:
    if field["mode"] == "REPEATED":
        one = {**field, "mode": "NULLABLE"}
        return [_value(each, one) for each in value or ()]
    if value is None:
        return None
    if "fields" in field:
        return _row(list(value.values()), field["fields"])
    return value.isoformat() if field["type"] in {"DATE", "DATETIME"} else value
