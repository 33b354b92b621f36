"""Names of datasets, tables and partitions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from dagfactory.emulator.bigquery.errors import BigQueryError

_DATASET = re.compile(r"\w{1,1024}")
_TABLE = re.compile(r"[\w\- ]{1,1024}")


@dataclass(frozen=True, slots=True)
class DatasetName:
    """A dataset of a project; printed as BigQuery prints it."""

    project: str
    dataset: str

    def __post_init__(self) -> None:
        if not _DATASET.fullmatch(self.dataset):
            raise BigQueryError("invalid", f'Invalid dataset ID "{self.dataset}".')

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}"

    @property
    def schema(self) -> str:
        """The schema of the engine that holds the dataset's tables."""
        return f"{self.project}.{self.dataset}"

    @property
    def reference(self) -> dict[str, str]:
        """The dataset's `datasetReference`."""
        return {"projectId": self.project, "datasetId": self.dataset}


@dataclass(frozen=True, slots=True)
class TableName:
    """A table; `partition` is what follows the `$` of a partition decorator, or ''."""

    project: str
    dataset: str
    table: str
    partition: str = ""

    def __post_init__(self) -> None:
        if not _TABLE.fullmatch(self.table):
            raise BigQueryError("invalid", f'Invalid table ID "{self.table}".')

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @classmethod
    def of(cls, reference: Mapping[str, Any], project: str = "") -> Self:
        """Read a `TableReference`; raises BigQueryError for an impossible name."""
        table, _, partition = str(reference["tableId"]).partition("$")
        return cls(reference.get("projectId") or project, reference["datasetId"], table, partition)

    @property
    def parent(self) -> DatasetName:
        """The table's dataset."""
        return DatasetName(self.project, self.dataset)

    @property
    def reference(self) -> dict[str, str]:
        """The table's `tableReference`."""
        return {"projectId": self.project, "datasetId": self.dataset, "tableId": self.table}

    @property
    def sql(self) -> str:
        """The table as the engine writes it."""
        return f"{quoted(self.parent.schema)}.{quoted(self.table)}"


def quoted(name: str) -> str:
    """Quote an identifier for the engine."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for the engine."""
    return "'" + text.replace("'", "''") + "'"
