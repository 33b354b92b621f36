"""Values of a dag-factory file: data, and the objects that its `__type__` keys describe.

Nothing that a file names is imported. A few kinds of object (durations, dates, assets, params) are
recognized by their names; any other is a NotDataError with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from dagfactory.diagnostics.wording import shorten
from dagfactory.document.reference import escape
from dagfactory.importers._remarks import NotDataError, Remark
from dagfactory.importers._yaml11 import yaml11_value
from dagfactory.language.duration import duration_text

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node
    from dagfactory.importers._comments import Comments

TYPE, ARGUMENTS = "__type__", "__args__"
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*|\{[A-Za-z_]\w*\})", re.ASCII)
_DELTAS = frozenset({"datetime.timedelta", "pendulum.duration", "pendulum.Duration"})
_DELTA_PARTS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_LONGEST = timedelta(days=3650)


@dataclass(slots=True)
class ImportContext:
    """What the parts of one import share: remarks, the source's comments, new task ids by old ones.

    `places` are the source's tasks by their new ids, `undone` the defaults that a task sets to null,
    `mapped` the tasks that are mapped, `params` the pipeline's params, `tasks_tell` whether only tasks
    say whom to tell, `zone` the time zone of a timetable that has another than the dates, and `since` is
    the line of Airflow whose defaults the source had.
    """

    comments: Comments
    remarks: list[Remark] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    places: dict[str, Node] = field(default_factory=dict)
    undone: frozenset[str] = frozenset()
    params: Mapping[str, Any] = field(default_factory=dict)
    tasks_tell: bool = False
    mapped: frozenset[str] = frozenset()
    since: Literal["2", "3", ""] = ""
    zone: str = ""

    def add(self, code: str, message: str, span: Span | None, remedy: str | None = None) -> None:
        """Record a remark."""
        self.remarks.append(Remark(code, message, span, remedy))


@dataclass(frozen=True, slots=True)
class TypedObject:
    """An object described by `__type__`: its dotted path and what it would be called with."""

    path: str
    positional: tuple[Node, ...]
    keywords: Mapping[str, Node]
    span: Span


def typed_object(node: Node | None) -> TypedObject | None:
    """Return the object that a mapping describes, or None when it is plain data."""
    path = node.child(TYPE) if node else None
    if node is None or path is None or not isinstance(node.value, dict):
        return None
    given = node.value.get(ARGUMENTS)
    positional = given.value if given and isinstance(given.value, tuple) else ()
    keywords = {key: each for key, each in node.value.items() if key not in {TYPE, ARGUMENTS}}
    return TypedObject(str(path.value), positional, keywords, path.span)


def items(node: Node | None) -> tuple[Node, ...] | None:
    """Return the items of a list, also of one written as `__type__: builtins.list`."""
    described = typed_object(node)
    if described and described.path == "builtins.list" and "items" in described.keywords:
        node = described.keywords["items"]
    return node.value if node and isinstance(node.value, tuple) else None


def data(node: Node, context: ImportContext) -> Any:
    """Return plain data; raises NotDataError where an object or a condition stands."""
    listed = items(node)
    if listed is not None:
        return [data(each, context) for each in listed]
    if not isinstance(node.value, dict):
        return _scalar(node, context)
    described = typed_object(node)
    if described:
        raise NotDataError(
            f"`{shorten(described.path)}` is an object", described.span, "not-called"
        )
    joined = node.value.get("__join__")
    if joined and isinstance(joined.value, tuple):
        return "".join(str(data(each, context)) for each in joined.value)
    for key in ("__and__", "__or__"):
        if key in node.value:
            raise NotDataError(f"`{key}` combines objects", node.keys[key])
    return {key: data(each, context) for key, each in node.value.items() if key != ARGUMENTS}


def _scalar(node: Node, context: ImportContext) -> Any:
    value = yaml11_value(node)
    if isinstance(value, str):
        return text(node, context)
    if isinstance(value, date):
        shown = value.isoformat()
        context.add("changed", f"the date `{shown}` becomes text", node.span)
        return shown
    return value


def text(node: Node, context: ImportContext) -> str:
    """Return a text with `${` escaped for the compiler; report environment variables in it."""
    value = str(node.value if isinstance(node.value, str) else node.raw or yaml11_value(node))
    for name in dict.fromkeys(_VARIABLE.findall(value)):
        context.add(
            "environment",
            f"`${name}` stays as it is written",
            node.span,
            "dag-factory replaces it when the scheduler's environment has it; "
            "for a value of your own use `vars:` and `${vars.NAME}`",
        )
    return escape(value)


def timedelta_of(node: Node) -> timedelta | None:
    """Return a duration (an object, or a number of seconds); None for anything else."""
    described = typed_object(node)
    try:
        if described is None:
            value = yaml11_value(node)
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return timedelta(seconds=value) if fits else None
        if described.path not in _DELTAS:
            return None
        values = dict(zip(_DELTA_PARTS, map(yaml11_value, described.positional), strict=False))
        values |= {key: yaml11_value(each) for key, each in described.keywords.items()}
        return timedelta(**values)
    except (TypeError, ValueError, OverflowError):
        return None


def duration(node: Node, context: ImportContext, *, least: int = 1) -> str | None:
    """Return a duration as specs write it; None, with a remark, where they cannot express it.

    `least` is the shortest one that is accepted, in microseconds.
    """
    value = timedelta_of(node)
    if value is None or not timedelta(microseconds=least) <= value <= _LONGEST:
        context.add("no-equivalent", "a duration that specs cannot hold was left out", node.span)
        return None
    if value.microseconds:
        context.add("changed", f"{value.total_seconds()} s is rounded up", node.span)
        value = timedelta(seconds=int(value.total_seconds()) + 1)
    return duration_text(value)


@dataclass(frozen=True, slots=True)
class RelativeDate:
    """A date that is counted back from the day on which the file is read."""

    before: str


_RELATIVE = re.compile(r"(\d+)\s+(hour|minute|second|day)", re.IGNORECASE)
_LOOSE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})\Z", re.ASCII)
_DATES = frozenset({"datetime.datetime", "datetime.date", "pendulum.datetime", "pendulum.DateTime"})
_DATE_PARTS = ("year", "month", "day", "hour", "minute", "second")


def date_of(node: Node) -> datetime | RelativeDate | None:
    """Return a date, None for anything else."""
    # An offset from UTC is dropped, as dag-factory does.
    described = typed_object(node)
    if described:
        return _built(described)
    value = yaml11_value(node)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0)
    if isinstance(value, date):
        return datetime.combine(value, datetime.min.time())
    return _written(value) if isinstance(value, str) else None


def _written(value: str) -> datetime | RelativeDate | None:
    loose = _LOOSE.match(value.strip())
    try:
        if loose:
            return datetime(*map(int, loose.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
        return datetime.fromisoformat(value.strip()).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return RelativeDate(value) if _RELATIVE.match(value) else None


def _built(described: TypedObject) -> datetime | RelativeDate | None:
    if described.path == "airflow.utils.dates.days_ago":
        return RelativeDate("days_ago")
    if described.path not in _DATES:
        return None
    values = dict(zip(_DATE_PARTS, map(yaml11_value, described.positional), strict=False))
    values |= {
        key: yaml11_value(each) for key, each in described.keywords.items() if key in _DATE_PARTS
    }
    try:
        return datetime(**values)  # noqa: DTZ001 - the time zone is a key of its own
    except (TypeError, ValueError):
        return None


def date_text(value: datetime) -> str:
    """Return a date as specs write it, without the time at midnight."""
    midnight = not (value.hour or value.minute or value.second)
    return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
