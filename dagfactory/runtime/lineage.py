"""What a task reads and writes in Cloud Storage, for OpenLineage where its provider is installed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

SCHEME = "gs://"
_ADDRESS = re.compile(rf"""{SCHEME}[^\s"',;]+""")


def facets(reads: Iterable[str], writes: Iterable[str]) -> Any:
    """Return the datasets of a task as OpenLineage's provider wants them."""
    # only that provider calls this, so both are there
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    def datasets(addresses: Iterable[str]) -> list[Any]:
        return [Dataset(namespace=space, name=name) for space, name in names(addresses)]

    return OperatorLineage(inputs=datasets(reads), outputs=datasets(writes))


def names(addresses: Iterable[str]) -> list[tuple[str, str]]:
    """Return namespace and name of each address of Cloud Storage, each once."""
    found = dict.fromkeys(each for each in addresses if each.startswith(SCHEME))
    parts = (each.removeprefix(SCHEME).rstrip("/").partition("/") for each in found)
    # by OpenLineage's naming of GCS: the bucket, and the path in it, `/` for all of it
    return [(f"{SCHEME}{bucket}", path or "/") for bucket, _, path in parts]


def addresses(value: Any) -> Iterator[str]:
    """Yield the addresses among the texts of a value; an argument `--names=gs://…,gs://…` holds two."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from addresses(each)
    elif isinstance(value, str):
        yield from _ADDRESS.findall(value)
