"""Several files of metrics for one gate, among them that of the version that holds an alias."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from . import versions
from .session import Session
from .storage import SCHEME, StorageClient
from .vertex import VertexClient

Read = Callable[[str], tuple[dict[str, Any], str]]
"""Returns the metrics at an address, and what is wrong with them."""


def read(
    sources: Mapping[str, str | dict[str, Any]], session: Session, file: Read
) -> tuple[dict[str, Any], str]:
    """Return the metrics of all sources as `NAME.METRIC`, and the first thing that is wrong.

    A source is an address, or ``{"address"}`` or ``{"model", "alias", "file", "project", "region"}``,
    each with the ``default`` that counts while there is nothing to read.
    """
    values: dict[str, Any] = {}
    problem = ""
    for name, source in sources.items():
        given = {"address": source} if isinstance(source, str) else source
        found, wrong = _one(name, given, session, file)
        values |= {f"{name}.{metric}": value for metric, value in found.items()}
        problem = problem or (f"{name}: {wrong}" if wrong else "")
    return values, problem


def _one(
    name: str, source: dict[str, Any], session: Session, file: Read
) -> tuple[dict[str, Any], str]:
    default = source.get("default")
    address = str(source["address"]) if "address" in source else _of_alias(source, session)
    if address is None and default is None:
        raise AirflowFailException(
            f"{name}: no version of {source['model']} holds the alias {source['alias']};"
            " `default` says what counts until one does"
        )
    if address is None or (default is not None and _is_absent(address, source, session)):
        return dict(default or {}), ""
    return file(address)


def _is_absent(address: str, source: dict[str, Any], session: Session) -> bool:
    # a champion without its file is a mistake: taken for none, it would lose against anything
    return (
        "model" not in source
        and address.startswith(SCHEME)
        and not StorageClient(session).sizes(address)
    )


def _of_alias(source: dict[str, Any], session: Session) -> str | None:
    """Return where the metrics of the version lie that holds an alias, None when none does."""
    client = VertexClient(source["project"], source["region"], session)
    model = versions.parent(client, source["model"])
    version = versions.holder(versions.every(client, model), source["alias"])
    if version is None:
        return None
    scheme, _, path = version.get("artifactUri", "").partition("://")
    if f"{scheme}://" != SCHEME:
        raise AirflowFailException(f"{versions.full_name(version)} has no files: no artifactUri")
    joined: str = posixpath.normpath(posixpath.join(path, source["file"]))
    return SCHEME + joined
