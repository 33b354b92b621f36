"""Files as a SELECT of the engine: for load jobs, external tables and seeds.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from dagfactory.emulator.bigquery import avro
from dagfactory.emulator.bigquery.errors import BigQueryError, unsupported
from dagfactory.emulator.bigquery.identifiers import literal, quoted
from dagfactory.emulator.bigquery.types import Field, engine_type

Options = Mapping[str, Any]


def select(
    cursor: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    options: Options,
    fields: Sequence[Field] | None,
    scratch: str,
) -> str:
    """Return the SELECT that reads files of `options["sourceFormat"]`.

    `fields` are the columns wanted, None leaves them to the files. `scratch` is a folder
    that lives as long as the SELECT is used. Raises BigQueryError (`invalid`).
    """
    kind = options.get("sourceFormat", "CSV")
    if kind == "AVRO":
        target = Path(scratch, "rows.jsonl")
        found = avro.as_json_lines(files, target)
        return _json([target], {"ignoreUnknownValues": True}, found, cursor)
    if kind == "NEWLINE_DELIMITED_JSON":
        return _json(files, options, fields, cursor)
    if kind == "CSV":
        return _csv(files, options, fields)
    if kind == "PARQUET":
        return _typed(f"read_parquet({_list(files)}, union_by_name=true)", fields, "PARQUET")
    raise BigQueryError("invalid", f"The emulator reads no {kind} files.")


def _json(
    files: Sequence[Path],
    options: Options,
    fields: Sequence[Field] | None,
    cursor: duckdb.DuckDBPyConnection,
) -> str:
    if int(options.get("maxBadRecords") or 0):
        raise unsupported("maxBadRecords of JSON files")  # the engine would make NULLs of them
    common = f"{_list(files)}, format='newline_delimited'"
    detected = f"read_json({common}, sample_size=-1, union_by_name=true)"
    if fields is None:
        return f"SELECT * FROM {detected}"
    if not options.get("ignoreUnknownValues"):
        _no_unknown(cursor, detected, fields)
    texts = ", ".join(f"{literal(each['name'])}: {literal(_raw(each))}" for each in fields)
    return _typed(f"read_json({common}, columns={{{texts}}})", fields, "JSON")


def _no_unknown(cursor: duckdb.DuckDBPyConnection, detected: str, fields: Sequence[Field]) -> None:
    known = {str(each["name"]).lower() for each in fields}
    for name in cursor.sql(f"SELECT * FROM {detected} LIMIT 0").columns:
        if name.lower() not in known and name != "json":
            message = f"Error while reading data, error message: No such field: {name}."
            raise BigQueryError("invalid", message)


def _csv(files: Sequence[Path], options: Options, fields: Sequence[Field] | None) -> str:
    given = {
        "delim": literal(options.get("fieldDelimiter") or ","),
        "quote": literal('"' if options.get("quote") is None else str(options["quote"])),
        "nullstr": literal(options.get("nullMarker") or ""),
        "null_padding": str(bool(options.get("allowJaggedRows"))).lower(),
        "ignore_errors": str(bool(int(options.get("maxBadRecords") or 0))).lower(),
    }
    skipped = int(options.get("skipLeadingRows") or 0)
    if fields is None:
        header = {"skip": str(skipped - 1), "header": "true"} if skipped else {}
        return f"SELECT * FROM read_csv({_list(files)}, {_options(given | header)})"
    texts = ", ".join(f"{literal(each['name'])}: {literal(_raw(each))}" for each in fields)
    given |= {"header": "false", "skip": str(skipped), "auto_detect": "false"}
    given |= {"columns": f"{{{texts}}}"}
    return _typed(f"read_csv({_list(files)}, {_options(given)})", fields, "CSV")


def _options(given: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _list(files: Sequence[Path]) -> str:
    return "[" + ", ".join(literal(str(each)) for each in files) + "]"


def _raw(field: Field) -> str:
    """Return the type in which a column is read: BYTES are base64 in text files."""
    return "VARCHAR" if field["type"] == "BYTES" else engine_type(field)


def _typed(relation: str, fields: Sequence[Field] | None, kind: str) -> str:
    if fields is None:
        return f"SELECT * FROM {relation}"
    text = kind in {"JSON", "CSV"}
    columns = [_column(each, text=text) for each in fields]
    return f"SELECT {', '.join(columns)} FROM {relation}"


def _column(field: Field, *, text: bool) -> str:
    name = quoted(field["name"])
    encoded = text and field["type"] == "BYTES" and field.get("mode") != "REPEATED"
    value = f"from_base64({name})" if encoded else f"CAST({name} AS {engine_type(field)})"
    return f"{value} AS {name}"
