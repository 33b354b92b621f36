"""First and last day of a DAG, from the DAG itself and from its `default_args`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.importers._values import Relative, moment, moment_text
from dagfactory.importers._yaml11 import native

if TYPE_CHECKING:
    from datetime import datetime

    from dagfactory.importers._values import Context
    from dagfactory.node import Node

FIRST_DAY = "2024-01-01"
"""Written where the source counts back from today, or gives no day to a schedule."""


def zone(dag: Node) -> str:
    """Return the time zone of the dates."""
    found = dag.child("timezone") or dag.find(("default_args", "timezone"))
    return str(native(found)) if found else "UTC"


def dates(dag: Node, context: Context, *, timed: bool) -> dict[str, Any]:
    """Return `start_date`, `end_date` and `timezone`; `timed` says that a clock starts runs."""
    made: dict[str, Any] = {}
    start = _bound(dag, "start_date", context)
    if start:
        made["start_date"] = start
    elif timed:
        made["start_date"] = FIRST_DAY
        if not _given(dag, "start_date"):
            context.add("form", f"no start date: `{FIRST_DAY}` was written", dag.span)
    end = _bound(dag, "end_date", context)
    if end:
        made["end_date"] = end
    if zone(dag) != "UTC":
        made["timezone"] = zone(dag)
    return made


def _given(dag: Node, key: str) -> list[Node]:
    """Return the values of a key of the DAG and of its `default_args` that are not null."""
    found = (dag.child(key), dag.find(("default_args", key)))
    return [each for each in found if each and each.value is not None]


def _bound(dag: Node, key: str, context: Context) -> str | None:
    """Return a day: of two, the one that leaves fewer runs, as Airflow has it for its tasks."""
    fixed: list[datetime] = []
    for node in _given(dag, key):
        found = moment(node)
        if isinstance(found, Relative):
            _relative(node, key, context)
        elif found is None:
            context.add("no-equivalent", f"`{key}` that is no date was left out", node.span)
        else:
            fixed.append(found)
    if not fixed:
        return None
    return moment_text(max(fixed) if key == "start_date" else min(fixed))


def _relative(node: Node, key: str, context: Context) -> None:
    written = f"`{FIRST_DAY}` was written" if key == "start_date" else "it was left out"
    context.add(
        "changed",
        f"`{key}` counts back from today: {written}",
        node.span,
        "a day that moves makes a new version of the DAG every day; write a fixed one",
    )
