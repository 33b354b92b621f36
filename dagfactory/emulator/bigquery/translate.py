"""GoogleSQL to the engine's SQL: sqlglot knows the dialects, this the names and BigQuery's habits."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError

from dagfactory.emulator.bigquery.errors import BigQueryError, plain, unsupported
from dagfactory.emulator.bigquery.identifiers import TableName
from dagfactory.emulator.bigquery.parameters import replace_parameters
from dagfactory.emulator.bigquery.types import NUMERIC_SCALE

_KINDS: dict[type[exp.Expr], str] = {
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Merge: "MERGE",
    exp.Drop: "DROP_{}",
    exp.Alter: "ALTER_{}",
    exp.TruncateTable: "TRUNCATE_TABLE",
    exp.Create: "CREATE_{}",
}
_DECIMALS = {exp.DType.DECIMAL: NUMERIC_SCALE, exp.DType.BIGDECIMAL: 18}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement for the engine; `kind` as in BigQuery's `statementType`.

    `target` is the table that a DDL statement makes, changes or drops, `partitioning` its `timePartitioning`.
    """

    sql: str
    kind: str
    target: TableName | None = None
    partitioning: Mapping[str, str] | None = None

    @property
    def is_query(self) -> bool:
        """Whether it returns rows."""
        return self.kind == "SELECT"


@dataclass(frozen=True, slots=True)
class QueryContext:
    """What names in a query mean; `read` gives the engine's SQL of a table or raises notFound."""

    project: str
    dataset: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]]
    read: Callable[[TableName], str]

    def name(self, table: exp.Table) -> TableName:
        """Complete a name with the defaults of the query; raises BigQueryError when it cannot."""
        if not table.db and not self.dataset:
            message = f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).'
            raise BigQueryError("invalid", message)
        project = table.catalog or (
            self.project if table.db else self.dataset.get("projectId", self.project)
        )
        return TableName(project, table.db or self.dataset["datasetId"], table.name)


def translate(text: str, scope: QueryContext) -> Iterator[Statement]:
    """Translate a query or statements, each when the one before it was executed.

    Raises BigQueryError: invalidQuery, notFound, notImplemented.
    """
    try:
        parsed = [each for each in sqlglot.parse(text, read="bigquery") if each is not None]
    except SqlglotError as error:
        raise BigQueryError("invalidQuery", f"Syntax error: {plain(error)}", "query") from None
    for each in parsed:
        yield _statement(each, scope)


def _statement(tree: exp.Expr, scope: QueryContext) -> Statement:
    kind = _kind(tree)
    partitioning = _partitioning(tree)
    target = _target(tree, scope)
    tree = replace_parameters(tree, scope.parameters)
    _name_columns(tree)
    for each in list(tree.find_all(exp.Unnest)):
        _count_from_zero(each)
    for table in _tables(tree):
        name = scope.name(table)
        new = name.sql if name == target else scope.read(name)
        table.replace(_renamed(table, new))
    for column in tree.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    tree = tree.transform(_typed)
    try:
        return Statement(_generated(tree), kind, target, partitioning)
    except UnsupportedError as error:
        raise unsupported(f"this query: {plain(error).rstrip('.')}") from None


def _generated(tree: exp.Expr) -> str:
    return tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)


def _kind(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Query):
        return "SELECT"
    for known, kind in _KINDS.items():
        if isinstance(tree, known):
            made = kind.format(str(tree.args.get("kind") or "TABLE").upper())
            return f"{made}_AS_SELECT" if made == "CREATE_TABLE" and tree.expression else made
    first = tree.sql("bigquery").split(maxsplit=1)[0].upper()
    raise unsupported(f"{first} statements and scripts")


def _target(tree: exp.Expr, scope: QueryContext) -> TableName | None:
    """Return the table of a DDL statement, and take off what only BigQuery makes of it."""
    if not isinstance(tree, exp.Create | exp.Drop | exp.Alter | exp.TruncateTable):
        return None
    if tree.args.get("kind") not in {"TABLE", "VIEW", None}:
        raise unsupported(f"{tree.key.upper()} {tree.args['kind']}")
    tree.set("properties", None)
    table = tree.find(exp.Table)
    return scope.name(table) if table is not None else None


def _partitioning(tree: exp.Expr) -> Mapping[str, str] | None:
    """Return what PARTITION BY of a CREATE TABLE says; ranges and the time of loading are refused."""
    clause = tree.find(exp.PartitionedByProperty) if isinstance(tree, exp.Create) else None
    if clause is None:
        return None
    text, column = clause.sql("bigquery"), clause.find(exp.Column, exp.Identifier)
    if "RANGE_BUCKET" in text.upper() or column is None or column.name.startswith("_PARTITION"):
        raise unsupported(f"{text}; partition by a DATE, DATETIME or TIMESTAMP column")
    units = [unit for unit in ("HOUR", "MONTH", "YEAR") if f", {unit})" in text.upper()]
    return {"type": (units or ["DAY"])[0], "field": column.name}


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """Yield the tables of a statement that are not names of its own WITH clauses."""
    own = {each.alias_or_name.lower() for each in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        is_name = isinstance(table.this, exp.Identifier)
        if is_name and (table.db or table.name.lower() not in own):
            yield table


def _renamed(table: exp.Table, sql: str) -> exp.Expr:
    """Return the engine's table or subquery under the name that the query calls it."""
    select = sqlglot.parse_one(f"SELECT * FROM {sql}", read="duckdb")
    new: exp.Expr = select.args["from_"].this
    alias = table.args.get("alias")
    if alias is not None:
        new.set("alias", alias.copy())
    for name in ("joins", "pivots", "sample"):
        if table.args.get(name):
            new.set(name, table.args[name])
    return new


def _name_columns(tree: exp.Expr) -> None:
    """Name columns without a name as BigQuery does: f0_, then f1_."""
    body = tree if isinstance(tree, exp.Query) else tree.args.get("expression")
    while isinstance(body, exp.SetOperation | exp.Subquery):
        body = body.this
    if not isinstance(body, exp.Select):
        return
    named = (exp.Alias, exp.Column, exp.Dot, exp.Star)
    bare = [each for each in body.expressions if not isinstance(each, named)]
    for number, each in enumerate(bare):
        each.replace(exp.alias_(each.copy(), f"f{number}_"))


def _count_from_zero(unnest: exp.Unnest) -> None:
    """Let WITH OFFSET count from 0; the engine's WITH ORDINALITY counts from 1."""
    offset, select = unnest.args.get("offset"), unnest.find_ancestor(exp.Select)
    if not isinstance(offset, exp.Identifier) or select is None:
        return
    for column in list(select.find_all(exp.Column)):
        if column.name == offset.name and not column.table:
            new: exp.Expr = exp.paren(exp.Sub(this=column.copy(), expression=exp.convert(1)))
            projected = column.parent is select and column.arg_key == "expressions"
            column.replace(exp.alias_(new, offset.name) if projected else new)


def _typed(node: exp.Expr) -> exp.Expr:
    """Give literals and NUMERIC the types they have in BigQuery."""
    if isinstance(node, exp.Literal) and not node.is_string and not node.is_int:
        return exp.cast(node, "double")
    if isinstance(node, exp.DataType) and node.this in _DECIMALS and not node.expressions:
        return exp.DataType.build(f"DECIMAL(38, {_DECIMALS[node.this]})", dialect="duckdb")
    return node
