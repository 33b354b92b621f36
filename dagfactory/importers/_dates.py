"""First and last day of a DAG, from the DAG itself and from its `default_args`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dagfactory.importers._values import RelativeDate, date_of, date_text
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from datetime import datetime

    from dagfactory.document.node import Node
    from dagfactory.importers._values import ImportContext

_ARGUMENTS = "default_args"
FIRST_DAY = "2024-01-01"
"""The start date where the source counts back from today, or has none for a schedule."""


def zone(dag: Node) -> str:
    """Return the time zone of the DAG: that of its start date, as Airflow has it.

    `timezone` of the DAG is for the DAG's own dates, that of `default_args` for the dates there.
    """
    arguments = dag.child(_ARGUMENTS)
    for place in (dag, arguments):
        if place and _day(place, "start_date"):
            return _own_zone(place)
    return _own_zone(dag) if _day(dag, "end_date") else "UTC"


def _report_unused_zones(dag: Node, context: ImportContext) -> None:
    """Report a time zone without a date beside it: dag-factory does not read it."""
    for place in (dag, dag.child(_ARGUMENTS)):
        idle = place and not (_day(place, "start_date") or _day(place, "end_date"))
        if place and idle and _own_zone(place) != "UTC":
            message = "`timezone` without a date beside it has no effect"
            context.add("ignored", message, place.keys["timezone"])


def _own_zone(place: Node) -> str:
    found = place.child("timezone")
    return str(yaml11_value(found)) if found and found.value is not None else "UTC"


def _day(place: Node, key: str) -> Node | None:
    found = place.child(key)
    return found if found and found.value is not None else None


def dates(dag: Node, context: ImportContext, *, timed: bool) -> dict[str, Any]:
    """Return `start_date`, `end_date` and `timezone`; `timed` is True for a schedule of times."""
    made: dict[str, Any] = {}
    start = _date_bound(dag, "start_date", context)
    end = _date_bound(dag, "end_date", context)
    if start:
        made["start_date"] = start
    elif timed or (end and end < FIRST_DAY):
        made["start_date"] = min(FIRST_DAY, end or FIRST_DAY)
        if not _given(dag, "start_date"):
            context.add("form", f"no start date: `{made['start_date']}` was written", dag.span)
    if end:
        made["end_date"] = end
    _report_unused_zones(dag, context)
    if zone(dag) != "UTC":
        made["timezone"] = zone(dag)
    return made


def counts_from_today(dag: Node) -> bool:
    """Whether the first day moves with the day on which the file is read."""
    return any(isinstance(date_of(node), RelativeDate) for node, _ in _given(dag, "start_date"))


def _given(dag: Node, key: str) -> list[tuple[Node, str]]:
    """Return the values of a key of the DAG and of its `default_args`, each with its time zone."""
    places = [each for each in (dag, dag.child(_ARGUMENTS)) if each]
    found = [(_day(place, key), _own_zone(place)) for place in places]
    return [(node, where) for node, where in found if node]


def _date_bound(dag: Node, key: str, context: ImportContext) -> str | None:
    """Return a date: of the DAG's and that of `default_args` the one that leaves fewer runs."""
    # Airflow runs a task only inside the dates of both.
    fixed: list[datetime] = []
    for node, where in _given(dag, key):
        found = date_of(node)
        if isinstance(found, RelativeDate):
            _relative(node, key, context)
        elif found is None:
            context.add("no-equivalent", f"`{key}` that is not a date was left out", node.span)
        else:
            fixed.append(_moved(found, where, zone(dag)))
    if not fixed:
        return None
    bound = max(fixed) if key == "start_date" else min(fixed)
    _report_bound(dag, key, bound, fixed[0], context)
    return date_text(bound)


def _report_bound(
    dag: Node, key: str, bound: datetime, first: datetime, context: ImportContext
) -> None:
    """Report where runs are left out whose tasks Airflow would not start: the date of tasks alone decides."""
    arguments = dag.child(_ARGUMENTS)
    node = _day(arguments, key) if arguments else None
    if node is None or (bound == first and _day(dag, key)):
        return
    if key == "end_date":
        message = "`end_date` of `default_args` ends the DAG too: later runs would start no task"
        context.add("form", message, node.span)
    elif bound != first:
        message = (
            "`start_date` of `default_args` starts the DAG too: earlier runs would start no task"
        )
        context.add("form", message, node.span)


def _moved(value: datetime, where: str, target: str) -> datetime:
    """Return the same moment in another time zone; `check` reports a zone that does not exist."""
    if where == target:
        return value
    try:
        moved = value.replace(tzinfo=ZoneInfo(where)).astimezone(ZoneInfo(target))
    except (ValueError, KeyError, OSError, OverflowError):
        return value
    return moved.replace(tzinfo=None)


def _relative(node: Node, key: str, context: ImportContext) -> None:
    written = "a fixed day was written" if key == "start_date" else "it was left out"
    context.add(
        "changed",
        f"`{key}` counts back from today: {written}",
        node.span,
        "a day that moves makes a new version of the DAG every day",
    )
