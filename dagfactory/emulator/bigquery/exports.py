"""Tables as files: what an extract job writes.

https://cloud.google.com/bigquery/docs/exporting-data
"""

import contextlib
import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb

from dagfactory.emulator.bigquery import avro
from dagfactory.emulator.bigquery.errors import BigQueryError
from dagfactory.emulator.bigquery.identifiers import literal
from dagfactory.emulator.bigquery.types import Field
from dagfactory.emulator.bigquery.values import cell, exported

_BATCH = 10_000
_CODECS = {"NONE": "null", "DEFLATE": "deflate", "SNAPPY": "snappy"}


def write(
    cursor: duckdb.DuckDBPyConnection,
    select: str,
    fields: Sequence[Field],
    options: Mapping[str, Any],
    path: Path,
) -> int:
    """Write the rows of a SELECT into a file and return their number.

    `options` is a JobConfigurationExtract. Raises BigQueryError (`invalid`).
    """
    kind = options.get("destinationFormat", "CSV")
    compression = str(options.get("compression") or "NONE").upper()
    if kind == "PARQUET":
        codec = "uncompressed" if compression == "NONE" else compression.lower()
        form = f"FORMAT parquet, COMPRESSION {codec}"
        return _number(cursor.execute(f"COPY ({select}) TO {literal(str(path))} ({form})"))
    counted = _Counted(_rows(cursor.execute(select)))
    if kind == "AVRO":
        avro.write(path, fields, counted, _codec(compression))
    elif kind == "NEWLINE_DELIMITED_JSON":
        with _opened(path, compression) as file:
            file.writelines(_line(row, fields) for row in counted)
    elif kind == "CSV":
        _csv(path, fields, counted, options)
    else:
        raise BigQueryError("invalid", f"The emulator writes no {kind} files.")
    return counted.rows


class _Counted(Iterator[Sequence[Any]]):
    """Rows, and how many there were."""

    def __init__(self, rows: Iterator[Sequence[Any]]) -> None:
        self._all, self.rows = rows, 0

    def __next__(self) -> Sequence[Any]:
        row = next(self._all)
        self.rows += 1
        return row


def _rows(cursor: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := cursor.fetchmany(_BATCH):
        yield from batch


def _line(row: Sequence[Any], fields: Sequence[Field]) -> str:
    made = json.dumps(exported(row, fields), ensure_ascii=False, separators=(",", ":"))
    return f"{made}\n"


def _csv(
    path: Path, fields: Sequence[Field], rows: Iterator[Sequence[Any]], options: Mapping[str, Any]
) -> None:
    for each in fields:
        if each["mode"] == "REPEATED" or each["type"] == "RECORD":
            message = f"Operation cannot be performed on a nested schema. Field: {each['name']}"
            raise BigQueryError("invalid", message)
    with _opened(path, str(options.get("compression") or "NONE").upper()) as file:
        delimiter = options.get("fieldDelimiter") or ","
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        if options.get("printHeader", True):
            writer.writerow([each["name"] for each in fields])
        for row in rows:
            writer.writerow([_text(v, f) for v, f in zip(row, fields, strict=True)])


def _text(value: Any, field: Field) -> str:
    return "" if value is None else cell(value, field["type"])


def _codec(compression: str) -> str:
    if compression not in _CODECS:
        raise BigQueryError("invalid", f"Avro files cannot have the compression {compression}.")
    return _CODECS[compression]


@contextlib.contextmanager
def _opened(path: Path, compression: str) -> Iterator[IO[str]]:
    if compression not in {"NONE", "GZIP"}:
        raise BigQueryError("invalid", f"Text files cannot have the compression {compression}.")
    opener: Any = gzip.open if compression == "GZIP" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        yield file


def _number(cursor: duckdb.DuckDBPyConnection) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
