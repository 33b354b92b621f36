"""dag-factory's schedules: cron texts, presets, intervals, timetables, datasets and assets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from dagfactory.diagnostics.wording import shorten
from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import (
    TypedObject,
    duration,
    items,
    text,
    timedelta_of,
    typed_object,
)
from dagfactory.importers._yaml11 import yaml11_value
from dagfactory.language.schedule import ScheduleField

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._values import ImportContext

_ASSETS = frozenset({"Asset", "Dataset"})
_CRON_TRIGGER = "CronTriggerTimetable"
_DELTA_TRIGGER = "DeltaTriggerTimetable"
_CRON_INTERVAL = "CronDataIntervalTimetable"
_DELTA_INTERVAL = "DeltaDataIntervalTimetable"


def schedule(node: Node, context: ImportContext, zone: str) -> Any:
    """Return the schedule as specs write it; None, with a remark, where they cannot express it."""
    try:
        found = _schedule(node, context, zone)
        if found is not None:
            TypeAdapter(ScheduleField).validate_python(found)
    except NotDataError as error:
        remedy = "runs start only by hand until `schedule:` is written"
        context.add(error.code, f"{error.reason}: the schedule was left out", error.span, remedy)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"])
        remedy = "runs start only by hand until `schedule:` is written"
        context.add("no-equivalent", f"{reason}: the schedule was left out", node.span, remedy)
    else:
        return found
    return None


def _schedule(node: Node, context: ImportContext, zone: str) -> Any:
    listed = items(node)
    described = typed_object(node)
    if listed is not None:
        return {
            "assets": [asset(each, context) for each in listed if yaml11_value(each) is not None]
        }
    if described:
        return _object(node, described, context, zone)
    if isinstance(node.value, dict):
        return _condition(node, context, zone)
    value = yaml11_value(node)
    if value is None or str(value).strip().lower() == "none":
        return None
    return text(node, context).strip()


def _object(node: Node, described: TypedObject, context: ImportContext, zone: str) -> Any:
    """Return the schedule that an object describes: an interval, a timetable, one asset."""
    name = _airflow_name(described)
    if name in _ASSETS:
        return {"assets": [asset(node, context)]}
    if timedelta_of(node):
        return _every(node, context)
    if name in {_DELTA_TRIGGER, _CRON_TRIGGER}:
        message = (
            f"`{name}`: on Airflow 2 a spec's schedule has data intervals, so `{{{{ ds }}}}` shifts"
        )
        context.add("look", message, described.span, "on Airflow 3 it is the same")
    if name in {_DELTA_TRIGGER, _DELTA_INTERVAL}:
        return _interval(node, described, context)
    if name in {_CRON_TRIGGER, _CRON_INTERVAL}:
        return _cron(described, context, zone)
    raise NotDataError(f"`{shorten(described.path)}` is an object", described.span, "not-called")


def _airflow_name(described: TypedObject) -> str:
    """Return the class name of one of Airflow's own classes: it moved between packages."""
    return described.path.rpartition(".")[2] if described.path.startswith("airflow.") else ""


def _every(node: Node, context: ImportContext) -> dict[str, str] | None:
    found = duration(node, context)
    return {"every": found} if found else None


def _interval(node: Node, described: TypedObject, context: ImportContext) -> Any:
    """Return the interval of a timetable over a duration."""
    inner = described.keywords.get("delta") or (described.positional or (None,))[0]
    if inner is None or timedelta_of(inner) is None or set(described.keywords) - {"delta"}:
        raise NotDataError(f"`{described.path}` with these arguments", node.span)
    if _airflow_name(described) == _DELTA_INTERVAL:
        _intervals_differ(described, context)
    return _every(inner, context)


def _cron(described: TypedObject, context: ImportContext, zone: str) -> str:
    """Return the cron text of a timetable, whose time zone becomes the pipeline's."""
    given = dict(zip(("cron", "timezone"), described.positional, strict=False)) | dict(
        described.keywords
    )
    where = given.pop("timezone", None)
    cron = given.pop("cron", None)
    if given or cron is None or not isinstance(yaml11_value(cron), str):
        raise NotDataError(f"`{described.path}` with these arguments", described.span)
    if where and str(yaml11_value(where)) != zone:
        context.zone = str(yaml11_value(where))
        message = f"the dates are read in `{context.zone}`, the time zone of the timetable"
        remedy = f"they were in `{zone}`: a start date at midnight shifts by some hours"
        context.add("changed", message, where.span, remedy)
    if _airflow_name(described) == _CRON_INTERVAL:
        _intervals_differ(described, context)
    return text(cron, context)


def _intervals_differ(described: TypedObject, context: ImportContext) -> None:
    context.add(
        "changed",
        f"`{_airflow_name(described)}` becomes a plain schedule",
        described.span,
        "Airflow 3 then gives a run no data interval: `data_interval_start` is its end",
    )


def _condition(node: Node, context: ImportContext, zone: str) -> Any:
    """Return the assets of `{datasets: …}` or of a condition, with the times of a timetable beside."""
    fields = node.value if isinstance(node.value, dict) else {}
    if "file" in fields:
        raise NotDataError("datasets named in another file", node.keys["file"])
    if "datasets" not in fields and not {"__and__", "__or__"} & fields.keys():
        raise NotDataError("a mapping that is not a schedule", node.span)
    wanted = _top(_wanted(fields.get("datasets", node), context))
    if "timetable" not in fields:
        return {"assets": wanted}
    described = typed_object(fields["timetable"])
    if described is None or _airflow_name(described) != _CRON_TRIGGER:
        raise NotDataError("datasets or this timetable", node.keys["timetable"])
    return {"assets": wanted, "cron": _cron(described, context, zone)}


def _wanted(node: Node, context: ImportContext) -> Any:
    """Return a condition as specs write it: the name of an asset, or `any` or `all` of some."""
    fields = node.value if isinstance(node.value, dict) else {}
    for key, word in (("__or__", "any"), ("__and__", "all")):
        if key in fields:
            return {word: [_wanted(each, context) for each in items(fields[key]) or ()]}
    listed = items(node)
    if listed is not None:
        return {"all": [_wanted(each, context) for each in listed]}
    if isinstance(node.value, str):
        return _expression(node)
    return asset(node, context)


def _top(found: Any) -> Any:
    """Return a whole condition in its short form: a list stands for all of them."""
    if isinstance(found, str):
        return [found]
    parts = [each for part in found.get("all", ()) for each in _all_of(part)]
    plain = parts and all(isinstance(each, str) for each in parts)
    return parts if plain else found


def _all_of(part: Any) -> list[Any]:
    if isinstance(part, dict) and "all" in part:
        return [each for inner in part["all"] for each in _all_of(inner)]
    return [part]


def _expression(node: Node) -> Any:
    """Return a condition in text, such as `(s3://a/b & s3://a/c) | other`; `&` binds stronger."""
    tokens = re.findall(r"[()&|]|[^\s()&|]+", str(node.value))
    found = _joined(tokens, node, "|")
    if tokens:
        raise NotDataError(f"`{shorten(str(node.value))}` is not a condition", node.span)
    return found


def _joined(tokens: list[str], node: Node, sign: str) -> Any:
    """Read the operands between signs of one kind and remove them from the tokens."""
    parts = [_joined(tokens, node, "&") if sign == "|" else _operand(tokens, node)]
    while tokens and tokens[0] == sign:
        tokens.pop(0)
        parts.append(_joined(tokens, node, "&") if sign == "|" else _operand(tokens, node))
    return parts[0] if len(parts) == 1 else {"any" if sign == "|" else "all": parts}


def _operand(tokens: list[str], node: Node) -> Any:
    """Read a name, or an expression in parentheses."""
    reason = NotDataError(f"`{shorten(str(node.value))}` is not a condition", node.span)
    first = tokens.pop(0) if tokens else ")"
    if first in "&|)":
        raise reason
    if first != "(":
        return first
    inner = _joined(tokens, node, "|")
    if not tokens or tokens.pop(0) != ")":
        raise reason
    return inner


def asset(node: Node, context: ImportContext) -> str:
    """Return the name of an asset; raises NotDataError for one whose address is not its name."""
    described = typed_object(node)
    if described is None and isinstance(node.value, str):
        return text(node, context).strip()
    if described is None or _airflow_name(described) not in _ASSETS:
        path = f"`{shorten(described.path)}`" if described else "this"
        raise NotDataError(f"{path} is not an asset", node.span, "not-called")
    order = ("uri",) if _airflow_name(described) == "Dataset" else ("name", "uri")
    given = dict(zip(order, described.positional, strict=False)) | dict(described.keywords)
    names = {key: str(yaml11_value(given[key])) for key in ("uri", "name") if key in given}
    if len(set(names.values())) != 1:
        raise NotDataError("an asset whose name is not its address", described.span)
    for key in sorted(given.keys() - {"uri", "name"}):
        context.add("no-equivalent", f"`{key}` of an asset was left out", given[key].span)
    return text(given[min(names)], context)
