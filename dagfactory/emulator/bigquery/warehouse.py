"""Datasets and tables: rows in a DuckDB file, and beside them what DuckDB does not keep of a table."""

import json
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagfactory.emulator.bigquery.errors import (
    BigQueryError,
    already_exists,
    invalid_query,
    not_found,
)
from dagfactory.emulator.bigquery.identifiers import DatasetName, TableName, literal, quoted
from dagfactory.emulator.bigquery.partitions import PSEUDO, by_loading_time
from dagfactory.emulator.bigquery.types import Field, columns, fields_of, overlaid

ANONYMOUS = "_results"  # the dataset of results without a destination
_SETTINGS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET error_on_division_by_zero = true",
    "SET python_enable_replacements = false",
    "CREATE TABLE IF NOT EXISTS resources(dataset VARCHAR, name VARCHAR, body VARCHAR)",
    "CREATE TABLE IF NOT EXISTS jobs(project VARCHAR, id VARCHAR, body VARCHAR)",
)
_LOCKED = ("SET enable_external_access = false", "SET lock_configuration = true")
_OFFLINE: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: its columns, and its resource as far as a client wrote it."""

    name: TableName
    kind: str
    fields: list[dict[str, Any]]
    extras: Mapping[str, Any]


class Warehouse:
    """The engine. Statements of one job follow each other; jobs wait for each other to write."""

    def __init__(self, directory: Path, readable: Sequence[Path] = ()) -> None:
        self._scratch = directory / "scratch"
        self._scratch.mkdir(parents=True, exist_ok=True)
        file = directory / "warehouse.duckdb"
        self._connection = duckdb.connect(str(file), config=_OFFLINE)
        self.writing = threading.RLock()
        # a query could read any file of this machine, and write to it
        folders = ", ".join(literal(f"{each}/") for each in (*readable, self._scratch))
        for setting in (*_SETTINGS, f"SET allowed_directories = [{folders}]", *_LOCKED):
            self._connection.execute(setting)
        for schema in self._schemas():
            if schema.endswith(f".{ANONYMOUS}"):
                self._connection.execute(f"DROP SCHEMA {quoted(schema)} CASCADE")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a connection of one's own to the same tables."""
        return self._connection.cursor()

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """Return a folder for a block, for files that the engine may read and write."""
        return tempfile.TemporaryDirectory(dir=self._scratch)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Write alone, all or nothing; the engine's errors become invalidQuery."""
        with self.writing, self.cursor() as cursor:
            cursor.begin()
            try:
                yield cursor
                cursor.commit()
            except duckdb.Error as error:
                cursor.rollback()
                raise invalid_query(error) from None
            except BaseException:
                cursor.rollback()
                raise

    # --- datasets

    def has_dataset(self, name: DatasetName) -> bool:
        """Whether a dataset is there."""
        return name.schema in self._schemas()

    def create_dataset(self, name: DatasetName, body: Mapping[str, Any]) -> None:
        """Make a dataset; raises `duplicate` when it exists."""
        with self.transaction() as cursor:
            if self.has_dataset(name):
                raise already_exists("Dataset", name)
            self.ensure_dataset(cursor, name)
            keep(cursor, name, "", body)

    def ensure_dataset(self, cursor: duckdb.DuckDBPyConnection, name: DatasetName) -> None:
        """Make a dataset unless it is there: the first write to it does, as with buckets."""
        cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(name.schema)}")

    def dataset(self, name: DatasetName) -> Mapping[str, Any]:
        """Return a dataset's resource; raises notFound."""
        if not self.has_dataset(name):
            raise not_found("Dataset", name)
        return self._body(name, "")

    def datasets(self, project: str) -> list[DatasetName]:
        """Return the datasets of a project by name."""
        split = [schema.rpartition(".") for schema in self._schemas()]
        names = [name for owner, _, name in split if owner == project]
        return [DatasetName(project, name) for name in names if not name.startswith("_")]

    def drop_dataset(self, name: DatasetName, *, contents: bool) -> None:
        """Delete a dataset; raises resourceInUse when it has tables and `contents` is false."""
        with self.transaction() as cursor:
            self.dataset(name)
            if self.tables(name) and not contents:
                raise BigQueryError("resourceInUse", f"Dataset {name} is still in use")
            cursor.execute(f"DROP SCHEMA {quoted(name.schema)} CASCADE")
            cursor.execute("DELETE FROM resources WHERE dataset = ?", [name.schema])

    # --- tables

    def find(self, name: TableName) -> Table | None:
        """Return a table or view, or None."""
        asked = "SELECT table_type FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
        with self.cursor() as cursor:
            found = cursor.execute(asked, [name.parent.schema, name.table]).fetchone()
            if found is None:
                return None
            shape = cursor.sql(f"SELECT * FROM {name.sql} LIMIT 0")
            fields = fields_of(shape.columns, shape.types)
        extras = self._body(name.parent, name.table)
        kind = extras.get("type", "VIEW" if found[0] == "VIEW" else "TABLE")
        shown = [each for each in fields if each["name"] != PSEUDO]
        given = extras.get("schema", {}).get("fields", ())
        return Table(name, kind, overlaid(shown, given), extras)

    def table(self, name: TableName) -> Table:
        """Return a table or view; raises notFound."""
        found = self.find(name)
        if found is None:
            if not self.has_dataset(name.parent):
                raise not_found("Dataset", name.parent)
            raise not_found("Table", name)
        return found

    def tables(self, dataset: DatasetName) -> list[TableName]:
        """Return the names of a dataset's tables and views."""
        asked = "SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1"
        with self.cursor() as cursor:
            found = cursor.execute(asked, [dataset.schema]).fetchall()
        return [TableName(dataset.project, dataset.dataset, each) for (each,) in found]

    def create_table(
        self, name: TableName, fields: Sequence[Field], body: Mapping[str, Any]
    ) -> None:
        """Make an empty table; raises `duplicate` when it exists."""
        with self.transaction() as cursor:
            self._absent(name)
            hidden = f", {PSEUDO} TIMESTAMPTZ" if by_loading_time(body) else ""
            cursor.execute(f"CREATE TABLE {name.sql} ({columns(fields)}{hidden})")
            keep(cursor, name.parent, name.table, body)

    def create_view(self, name: TableName, select: str, body: Mapping[str, Any]) -> None:
        """Make a view or external table; raises `duplicate` when it exists."""
        with self.transaction() as cursor:
            self._absent(name)
            cursor.execute(f"CREATE VIEW {name.sql} AS {select}")
            keep(cursor, name.parent, name.table, body)

    def patch(self, name: TableName, body: Mapping[str, Any]) -> None:
        """Replace what a client wrote of a table."""
        with self.transaction() as cursor:
            keep(cursor, name.parent, name.table, body)

    def drop(self, name: TableName) -> None:
        """Delete a table or view; raises notFound."""
        with self.transaction() as cursor:
            kind = "TABLE" if self.table(name).kind == "TABLE" else "VIEW"
            cursor.execute(f"DROP {kind} {name.sql}")
            forget(cursor, name)

    def count(self, name: TableName) -> int:
        """Return how many rows a table has."""
        with self.cursor() as cursor:
            (rows,) = cursor.execute(f"SELECT count(*) FROM {name.sql}").fetchone() or (0,)
            return int(rows)

    def page(self, table: Table, start: int, size: int) -> list[tuple[Any, ...]]:
        """Return `size` rows of a table from row `start` on, in the order they were written."""
        names = ", ".join(quoted(each["name"]) for each in table.fields) or "*"
        with self.cursor() as cursor:
            asked = f"SELECT {names} FROM {table.name.sql} LIMIT {size} OFFSET {start}"
            return cursor.execute(asked).fetchall()

    def _absent(self, name: TableName) -> None:
        self.dataset(name.parent)
        if self.find(name) is not None:
            raise already_exists("Table", name)

    def _schemas(self) -> list[str]:
        with self.cursor() as cursor:
            asked = "SELECT schema_name FROM information_schema.schemata ORDER BY 1"
            return [name for (name,) in cursor.execute(asked).fetchall()]

    def _body(self, dataset: DatasetName, table: str) -> dict[str, Any]:
        asked = "SELECT body FROM resources WHERE dataset = ? AND name = ?"
        with self.cursor() as cursor:
            found = cursor.execute(asked, [dataset.schema, table]).fetchone()
        return dict(json.loads(found[0])) if found else {}


def keep(
    cursor: duckdb.DuckDBPyConnection, dataset: DatasetName, table: str, body: Mapping[str, Any]
) -> None:
    """Write what a client said of a table, or of a dataset ('')."""
    key = [dataset.schema, table]
    cursor.execute("DELETE FROM resources WHERE dataset = ? AND name = ?", key)
    cursor.execute("INSERT INTO resources VALUES (?, ?, ?)", [*key, json.dumps(body)])


def forget(cursor: duckdb.DuckDBPyConnection, name: TableName) -> None:
    """Drop what a client said of a table."""
    key = [name.parent.schema, name.table]
    cursor.execute("DELETE FROM resources WHERE dataset = ? AND name = ?", key)
