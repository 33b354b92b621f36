"""Partitions: what `$20260105` behind a table's name means.

https://cloud.google.com/bigquery/docs/partitioned-tables
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from dagfactory.emulator.bigquery.errors import BigQueryError
from dagfactory.emulator.bigquery.identifiers import TableName, quoted

PSEUDO = "_PARTITIONTIME"  # the column that tables partitioned by the time of loading have
KEYS = ("timePartitioning", "rangePartitioning", "clustering")
_FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}


def by_loading_time(resource: Mapping[str, Any]) -> bool:
    """Whether a table's rows belong to the partition of the time when they came."""
    time = resource.get("timePartitioning")
    return time is not None and not time.get("field")


def loading_time(resource: Mapping[str, Any], partition: str) -> str:
    """Return the engine's value of the pseudo column for rows written now."""
    kind = str(resource["timePartitioning"].get("type", "DAY"))
    if partition:
        return f"TIMESTAMPTZ '{_moment(kind, partition)}+00'"
    return f"date_trunc('{kind.lower()}', now())"


def condition(name: TableName, resource: Mapping[str, Any]) -> str:
    """Return the engine's condition for the rows of the partition that a name asks for.

    Raises BigQueryError (`invalid`) when the table has no such partitions.
    """
    if ranges := resource.get("rangePartitioning"):
        return _range(name, ranges)
    if not (time := resource.get("timePartitioning")):
        message = f"Cannot address a partition of table {name}, which is not partitioned"
        raise BigQueryError("invalid", message)
    kind = str(time.get("type", "DAY"))
    column = quoted(time.get("field") or PSEUDO)
    moment = _moment(kind, name.partition)
    return f"date_trunc('{kind.lower()}', {column}) = TIMESTAMP '{moment}'"


def _moment(kind: str, partition: str) -> dt.datetime:
    form = _FORMATS.get(kind.upper(), "")
    try:
        moment = dt.datetime.strptime(partition, form)  # noqa: DTZ007 - partitions are in UTC
        if form and moment.strftime(form) == partition:
            return moment
    except ValueError:
        pass
    raise BigQueryError("invalid", f"Invalid partition ${partition} of a table by {kind}")


def _range(name: TableName, ranges: Mapping[str, Any]) -> str:
    column, width = quoted(ranges["field"]), int(ranges["range"]["interval"])
    if not name.partition.isdecimal():
        raise BigQueryError("invalid", f"Invalid partition ${name.partition} of {name}")
    start = int(name.partition)
    return f"{column} >= {start} AND {column} < {start + width}"
