"""dag-factory's schedules: cron texts, presets, intervals, timetables, datasets and assets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import Typed, delta, duration, items, text, typed
from dagfactory.importers._yaml11 import native
from dagfactory.spec.schedule import ScheduleField
from dagfactory.suggest import shorten

if TYPE_CHECKING:
    from dagfactory.importers._values import Context
    from dagfactory.node import Node

_ALIASES = {"@annually": "@yearly", "@midnight": "@daily"}
_ASSETS = frozenset({"Asset", "Dataset"})
_CRON_TRIGGER = "CronTriggerTimetable"
_DELTA_TRIGGER = "DeltaTriggerTimetable"
_CRON_INTERVAL = "CronDataIntervalTimetable"
_DELTA_INTERVAL = "DeltaDataIntervalTimetable"


def schedule(node: Node, context: Context, zone: str) -> Any:
    """Return the schedule as specs write it; None, with a remark, when they have no way to say it."""
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


def _schedule(node: Node, context: Context, zone: str) -> Any:
    listed = items(node)
    thing = typed(node)
    if listed is not None:
        return {"assets": [asset(each, context) for each in listed if native(each) is not None]}
    if thing:
        return _object(node, thing, context, zone)
    if isinstance(node.value, dict):
        return _condition(node, context)
    value = native(node)
    if value is None or str(value).strip().lower() == "none":
        return None
    found = text(node, context).strip()
    return _ALIASES.get(found, found)


def _object(node: Node, thing: Typed, context: Context, zone: str) -> Any:
    """Return what an object stands for: an interval, a timetable, one asset."""
    name = _airflow_name(thing)
    if name in _ASSETS:
        return {"assets": [asset(node, context)]}
    if delta(node):
        return _every(node, context)
    if name in {_DELTA_TRIGGER, _DELTA_INTERVAL}:
        return _interval(node, thing, context)
    if name in {_CRON_TRIGGER, _CRON_INTERVAL}:
        return _cron(thing, context, zone)
    raise NotDataError(f"`{shorten(thing.path)}` is an object", thing.span, "not-called")


def _airflow_name(thing: Typed) -> str:
    """Return the class name of one of Airflow's own classes: it moved between packages."""
    return thing.path.rpartition(".")[2] if thing.path.startswith("airflow.") else ""


def _every(node: Node, context: Context) -> dict[str, str] | None:
    found = duration(node, context)
    return {"every": found} if found else None


def _interval(node: Node, thing: Typed, context: Context) -> Any:
    """Return the interval of a timetable over a duration."""
    inner = thing.keywords.get("delta") or (thing.positional or (None,))[0]
    if inner is None or delta(inner) is None or set(thing.keywords) - {"delta"}:
        raise NotDataError(f"`{thing.path}` with these arguments", node.span)
    if _airflow_name(thing) == _DELTA_INTERVAL:
        _intervals_differ(thing, context)
    return _every(inner, context)


def _cron(thing: Typed, context: Context, zone: str) -> str:
    """Return the cron text of a timetable, when nothing but the text and the time zone is given."""
    given = dict(zip(("cron", "timezone"), thing.positional, strict=False)) | dict(thing.keywords)
    where = given.pop("timezone", None)
    cron = given.pop("cron", None)
    if given or cron is None or not isinstance(native(cron), str):
        raise NotDataError(f"`{thing.path}` with these arguments", thing.span)
    if where and str(native(where)) != zone:
        reason = f"a timetable in `{native(where)}` beside dates in `{zone}`"
        raise NotDataError(reason, where.span)
    if _airflow_name(thing) == _CRON_INTERVAL:
        _intervals_differ(thing, context)
    return text(cron, context)


def _intervals_differ(thing: Typed, context: Context) -> None:
    context.add(
        "changed",
        f"`{_airflow_name(thing)}` becomes a plain schedule",
        thing.span,
        "Airflow 3 then gives a run no data interval: `data_interval_start` is its end",
    )


def _condition(node: Node, context: Context) -> Any:
    """Return the assets of `{datasets: …}` or of a condition that wants all of them."""
    fields = node.value if isinstance(node.value, dict) else {}
    if "timetable" in fields:
        raise NotDataError("datasets or a timetable, whichever comes first", node.keys["timetable"])
    if "file" in fields:
        raise NotDataError("datasets named in another file", node.keys["file"])
    if "datasets" in fields:
        return {"assets": _wanted(fields["datasets"], context)}
    if "__and__" in fields or "__or__" in fields:
        return {"assets": _wanted(node, context)}
    raise NotDataError("a mapping that is no schedule", node.span)


def _wanted(node: Node, context: Context) -> list[str]:
    """Return the assets that must all be updated; raises NotDataError for alternatives."""
    fields = node.value if isinstance(node.value, dict) else {}
    if "__or__" in fields:
        raise NotDataError("`__or__` between assets", node.keys["__or__"])
    listed = items(fields.get("__and__", node))
    if listed is not None:
        return [uri for each in listed for uri in _wanted(each, context)]
    if isinstance(node.value, str):
        return _expression(node)
    return [asset(node, context)]


def _expression(node: Node) -> list[str]:
    """Return the assets of a condition in text, such as `(s3://a/b & s3://a/c)`."""
    value = str(node.value)
    if "|" in value:
        raise NotDataError("`|` between assets", node.span)
    return [part.strip() for part in re.sub(r"[()]", "", value).split("&") if part.strip()]


def asset(node: Node, context: Context) -> str:
    """Return the name of an asset; raises NotDataError for one whose address is not its name."""
    thing = typed(node)
    if thing is None and isinstance(node.value, str):
        return text(node, context).strip()
    if thing is None or _airflow_name(thing) not in _ASSETS:
        path = f"`{shorten(thing.path)}`" if thing else "this"
        raise NotDataError(f"{path} is not an asset", node.span, "not-called")
    order = ("uri",) if _airflow_name(thing) == "Dataset" else ("name", "uri")
    given = dict(zip(order, thing.positional, strict=False)) | dict(thing.keywords)
    names = {key: str(native(given[key])) for key in ("uri", "name") if key in given}
    if len(set(names.values())) != 1:
        raise NotDataError("an asset whose name is not its address", thing.span)
    for key in sorted(given.keys() - {"uri", "name"}):
        context.add("no-equivalent", f"`{key}` of an asset was left out", given[key].span)
    return text(given[min(names)], context)
