"""What a job does: query, load, extract, copy. Each returns the statistics of its kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dagfactory.emulator.bigquery import exports, object_files, partitions, sources
from dagfactory.emulator.bigquery.errors import BigQueryError, invalid_query, unsupported
from dagfactory.emulator.bigquery.identifiers import TableName, quoted
from dagfactory.emulator.bigquery.translate import QueryContext, Statement, translate
from dagfactory.emulator.bigquery.types import Field, fields_of
from dagfactory.emulator.bigquery.warehouse import ANONYMOUS, Table, Warehouse, keep
from dagfactory.emulator.bigquery.writes import WriteSettings, write

Config = Mapping[str, Any]
_DML = ("INSERT", "UPDATE", "DELETE", "MERGE")
_ADDITION = "ALLOW_FIELD_ADDITION"


@dataclass(slots=True)
class JobResult:
    """What came out: statistics by kind, and the table that holds a query's rows."""

    statistics: dict[str, Any] = field(default_factory=dict)
    destination: TableName | None = None
    schema: list[dict[str, Any]] = field(default_factory=list)
    affected: int | None = None


@dataclass(slots=True)
class JobExecution:
    """The means of one job; `cursor` is what it executes with, for a cancel to interrupt."""

    warehouse: Warehouse
    files: Path
    project: str
    job: str
    cursor: duckdb.DuckDBPyConnection | None = None

    def run(self, configuration: Config) -> JobResult:
        """Do what a job's configuration asks for; raises BigQueryError."""
        for kind, do in self._kinds().items():
            if kind in configuration:
                if configuration.get("dryRun"):
                    return self._dry(kind, configuration[kind])
                return do(configuration[kind])
        message = "Required parameter is missing: query, load, extract or copy"
        raise BigQueryError("invalid", message)

    def _kinds(self) -> dict[str, Callable[[Config], JobResult]]:
        return {
            "query": self._query,
            "load": self._load,
            "extract": self._extract,
            "copy": self._copy,
        }

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self.warehouse.transaction() as cursor:
            self.cursor = cursor
            yield cursor

    # --- query

    def _statements(self, config: Config) -> Iterator[Statement]:
        if config.get("useLegacySql", True):
            raise unsupported("legacy SQL; set useLegacySql to false")
        scope = QueryContext(
            self.project,
            config.get("defaultDataset") or {},
            config.get("queryParameters") or (),
            lambda name: _readable(self.warehouse.table(name), config["query"]),
        )
        return translate(config["query"], scope)

    def _query(self, config: Config) -> JobResult:
        result = JobResult()
        for statement in self._statements(config):
            with self._transaction() as cursor:
                step = self._select if statement.is_query else self._execute
                result = step(cursor, statement, config)
        return result

    def _select(
        self, cursor: duckdb.DuckDBPyConnection, statement: Statement, config: Config
    ) -> JobResult:
        asked = config.get("destinationTable")
        target = TableName.of(asked, self.project) if asked else self._anonymous
        empty = "WRITE_EMPTY" if asked else "WRITE_TRUNCATE"
        how = _how(config, {"writeDisposition": empty})
        rows = write(self.warehouse, cursor, target, statement.sql, how)
        shape = cursor.sql(f"SELECT * FROM {target.sql} LIMIT 0")
        schema = [
            f for f in fields_of(shape.columns, shape.types) if f["name"] != partitions.PSEUDO
        ]
        statistics = {"statementType": statement.kind, "outputRows": str(rows)}
        return JobResult(_query_statistics(statistics, schema), target, schema)

    def _execute(
        self, cursor: duckdb.DuckDBPyConnection, statement: Statement, _config: Config
    ) -> JobResult:
        if statement.target is not None and statement.kind.startswith("CREATE"):
            self.warehouse.ensure_dataset(cursor, statement.target.parent)
        row = cursor.execute(statement.sql).fetchone()
        if statement.target is not None and statement.kind.startswith("CREATE_TABLE"):
            extras = {"timePartitioning": statement.partitioning} if statement.partitioning else {}
            keep(cursor, statement.target.parent, statement.target.table, extras)
        statistics: dict[str, Any] = {"statementType": statement.kind}
        affected = int(row[0]) if row and statement.kind in _DML else None
        if affected is not None:
            statistics["numDmlAffectedRows"] = str(affected)
        if statement.target is not None:
            statistics["ddlTargetTable"] = statement.target.reference
        return JobResult(_query_statistics(statistics, []), affected=affected)

    @property
    def _anonymous(self) -> TableName:
        return TableName(self.project, ANONYMOUS, f"anon_{self.job}"[:1000])

    def _dry(self, kind: str, config: Config) -> JobResult:
        """Check a query without executing it; other jobs are taken on trust."""
        schema: list[dict[str, Any]] = []
        if kind == "query":
            with self.warehouse.cursor() as cursor:
                try:
                    for statement in self._statements(config):
                        cursor.execute(f"EXPLAIN {statement.sql}")
                        shape = cursor.sql(statement.sql) if statement.is_query else None
                        schema = fields_of(shape.columns, shape.types) if shape else []
                except duckdb.Error as error:
                    raise invalid_query(error) from None
        return JobResult(_query_statistics({}, schema), schema=schema)

    # --- the others

    def _load(self, config: Config) -> JobResult:
        target = TableName.of(config["destinationTable"], self.project)
        files = object_files.matching(self.files, list(config.get("sourceUris") or ()))
        fields = self._wanted(target, config)
        with self.warehouse.scratch() as scratch, self._transaction() as cursor:
            select = sources.select(cursor, files, config, fields, scratch)
            rows = write(self.warehouse, cursor, target, select, _how(config, {}))
        size = sum(each.stat().st_size for each in files)
        return JobResult(
            {
                "load": {
                    "inputFiles": str(len(files)),
                    "inputFileBytes": str(size),
                    "outputRows": str(rows),
                    "outputBytes": str(size),
                    "badRecords": "0",
                }
            }
        )

    def _wanted(self, target: TableName, config: Config) -> Sequence[Field] | None:
        """Return the columns to read: those given, else the table's, else None: the files'."""
        if fields := (config.get("schema") or {}).get("fields"):
            return list(fields)
        table = self.warehouse.find(target)
        described = config.get("sourceFormat") in {"AVRO", "PARQUET", "ORC"}
        fresh = config.get("writeDisposition") == "WRITE_TRUNCATE" or config.get(
            "schemaUpdateOptions"
        )
        if described or (config.get("autodetect") and (fresh or table is None)):
            return None
        if table is None:
            raise BigQueryError("invalid", "No schema specified on job or table.")
        return table.fields

    def _extract(self, config: Config) -> JobResult:
        name = TableName.of(config["sourceTable"], self.project)
        table = self.warehouse.table(name)
        where = f" WHERE {partitions.condition(name, table.extras)}" if name.partition else ""
        names = ", ".join(quoted(each["name"]) for each in table.fields)
        uris = list(config.get("destinationUris") or [config.get("destinationUri", "")])
        select = f"SELECT {names} FROM {name.sql}{where}"
        with (
            self._transaction() as cursor,
            self.warehouse.scratch() as scratch,
            object_files.written(self.files, uris[0], Path(scratch, "rows")) as path,
        ):
            exports.write(cursor, select, table.fields, config, path)
        return JobResult({"extract": {"destinationUriFileCounts": ["1"] + ["0"] * (len(uris) - 1)}})

    def _copy(self, config: Config) -> JobResult:
        given = config.get("sourceTables") or [config["sourceTable"]]
        tables = [self.warehouse.table(TableName.of(each, self.project)) for each in given]
        target = TableName.of(config["destinationTable"], self.project)
        select = " UNION ALL BY NAME ".join(f"SELECT * FROM {each.name.sql}" for each in tables)
        extras = {key: v for key, v in tables[0].extras.items() if key in partitions.KEYS}
        how = _how(config, {"writeDisposition": "WRITE_EMPTY"})
        how = WriteSettings(how.disposition, how.create, {**extras, **how.extras})
        with self._transaction() as cursor:
            rows = write(self.warehouse, cursor, target, select, how)
        return JobResult({"copy": {"copiedRows": str(rows)}})


def _how(config: Config, defaults: Config) -> WriteSettings:
    extras = {key: config[key] for key in (*partitions.KEYS, "schema") if config.get(key)}
    extras |= config.get("destinationTableProperties") or {}
    return WriteSettings(
        config.get("writeDisposition") or defaults.get("writeDisposition", "WRITE_APPEND"),
        config.get("createDisposition") or "CREATE_IF_NEEDED",
        extras,
        may_add=_ADDITION in (config.get("schemaUpdateOptions") or ()),
    )


def _readable(table: Table, query: str) -> str:
    """Return a table as a query sees it: without the pseudo column unless the query names it."""
    hidden = partitions.by_loading_time(table.extras) and partitions.PSEUDO not in query
    if not hidden:
        return table.name.sql
    columns = ", ".join(quoted(each["name"]) for each in table.fields)
    return f"(SELECT {columns} FROM {table.name.sql}) AS {quoted(table.name.table)}"


def _query_statistics(query: Mapping[str, Any], schema: list[dict[str, Any]]) -> dict[str, Any]:
    shape = {"schema": {"fields": schema}} if schema else {}
    common = {"totalBytesProcessed": "0", "totalBytesBilled": "0", "cacheHit": False}
    return {"query": {**common, **query, **shape}, "totalBytesProcessed": "0"}
