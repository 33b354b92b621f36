"""BigQuery's column types and the engine's, both ways.

https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagfactory.emulator.bigquery.errors import BigQueryError
from dagfactory.emulator.bigquery.identifiers import quoted

Field = Mapping[str, Any]
NUMERIC_SCALE = 9
TO_ENGINE = {
    "STRING": "VARCHAR",
    "BYTES": "BLOB",
    "INTEGER": "BIGINT",
    "INT64": "BIGINT",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "NUMERIC": f"DECIMAL(38,{NUMERIC_SCALE})",
    "BIGNUMERIC": "DECIMAL(38,18)",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
    "JSON": "JSON",
}
_FROM_ENGINE = {
    "boolean": "BOOLEAN",
    "tinyint": "INTEGER",
    "smallint": "INTEGER",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "utinyint": "INTEGER",
    "usmallint": "INTEGER",
    "uinteger": "INTEGER",
    "ubigint": "INTEGER",
    "hugeint": "INTEGER",
    "uhugeint": "INTEGER",
    "null": "INTEGER",
    "float": "FLOAT",
    "double": "FLOAT",
    "varchar": "STRING",
    "enum": "STRING",
    "uuid": "STRING",
    "blob": "BYTES",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "DATETIME",
    "timestamp_s": "DATETIME",
    "timestamp_ms": "DATETIME",
    "timestamp_ns": "DATETIME",
    "timestamp with time zone": "TIMESTAMP",
}


def engine_type(field: Field) -> str:
    """Return a column's type in the engine's SQL; raises BigQueryError for a type it lacks."""
    kind = str(field["type"]).upper()
    if kind in {"RECORD", "STRUCT"}:
        inner = ", ".join(f"{quoted(f['name'])} {engine_type(f)}" for f in field.get("fields", ()))
        made = f"STRUCT({inner})"
    elif kind in TO_ENGINE:
        made = TO_ENGINE[kind]
    else:
        raise BigQueryError("invalid", f"The emulator has no type {kind} ({field['name']}).")
    return f"{made}[]" if field.get("mode") == "REPEATED" else made


def columns(fields: Iterable[Field]) -> str:
    """Return the column list of a CREATE TABLE."""
    return ", ".join(f"{quoted(each['name'])} {engine_type(each)}" for each in fields)


def fields_of(names: Sequence[str], types: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the schema of a relation of the engine."""
    return [field_of(name, kind) for name, kind in zip(names, types, strict=True)]


def field_of(name: str, kind: Any) -> dict[str, Any]:
    """Return one column's schema; raises BigQueryError for what BigQuery has no type for."""
    if kind.id in {"list", "array"}:
        inner = field_of(name, kind.children[0][1])
        if inner["mode"] == "REPEATED":
            raise BigQueryError("invalidQuery", f"Array of arrays is not supported: {name}")
        return {**inner, "mode": "REPEATED"}
    field: dict[str, Any] = {"name": name, "type": _scalar(name, kind), "mode": "NULLABLE"}
    if kind.id == "struct":
        field["fields"] = [field_of(inner, each) for inner, each in kind.children]
    return field


def _scalar(name: str, kind: Any) -> str:
    if kind.id == "struct":
        return "RECORD"
    if kind.id == "decimal":
        wide = dict(kind.children)["scale"] > NUMERIC_SCALE
        return "BIGNUMERIC" if wide else "NUMERIC"
    if str(kind) == "JSON":
        return "JSON"
    if kind.id not in _FROM_ENGINE:
        raise BigQueryError("invalidQuery", f"The emulator cannot return {kind} ({name}).")
    return _FROM_ENGINE[kind.id]


def overlaid(fields: Sequence[Field], given: Sequence[Field]) -> list[dict[str, Any]]:
    """Add to columns what the engine does not keep of them: modes, descriptions."""
    known = {str(each["name"]).lower(): each for each in given}
    return [_overlaid(each, known.get(str(each["name"]).lower(), {})) for each in fields]


def _overlaid(field: Field, given: Field) -> dict[str, Any]:
    made = {**field, **{key: given[key] for key in ("mode", "description") if key in given}}
    if field["mode"] == "REPEATED":
        made["mode"] = "REPEATED"
    if "fields" in field:
        made["fields"] = overlaid(field["fields"], given.get("fields", ()))
    return made
