"""dag-factory's schedules: cron texts, presets, intervals, timetables, datasets and assets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from dagfactory.diagnostics.wording import shorten
from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import Typed, delta, duration, items, text, typed
from dagfactory.importers._yaml11 import native
from dagfactory.language.schedule import ScheduleField

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._values import Context

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
        return _condition(node, context, zone)
    value = native(node)
    if value is None or str(value).strip().lower() == "none":
        return None
    return text(node, context).strip()


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


def _condition(node: Node, context: Context, zone: str) -> Any:
    """Return the assets of `{datasets: …}` or of a condition, with the times of a timetable beside."""
    fields = node.value if isinstance(node.value, dict) else {}
    if "file" in fields:
        raise NotDataError("datasets named in another file", node.keys["file"])
    if "datasets" not in fields and not {"__and__", "__or__"} & fields.keys():
        raise NotDataError("a mapping that is no schedule", node.span)
    wanted = _top(_wanted(fields.get("datasets", node), context))
    if "timetable" not in fields:
        return {"assets": wanted}
    thing = typed(fields["timetable"])
    if thing is None or _airflow_name(thing) != _CRON_TRIGGER:
        raise NotDataError("datasets or this timetable", node.keys["timetable"])
    return {"assets": wanted, "cron": _cron(thing, context, zone)}


def _wanted(node: Node, context: Context) -> Any:
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
        raise NotDataError(f"`{shorten(str(node.value))}` is no condition", node.span)
    return found


def _joined(tokens: list[str], node: Node, sign: str) -> Any:
    """Read what stands between signs of one kind, taking it off the tokens."""
    parts = [_joined(tokens, node, "&") if sign == "|" else _operand(tokens, node)]
    while tokens and tokens[0] == sign:
        tokens.pop(0)
        parts.append(_joined(tokens, node, "&") if sign == "|" else _operand(tokens, node))
    return parts[0] if len(parts) == 1 else {"any" if sign == "|" else "all": parts}


def _operand(tokens: list[str], node: Node) -> Any:
    """Read a name, or what stands in parentheses."""
    reason = NotDataError(f"`{shorten(str(node.value))}` is no condition", node.span)
    first = tokens.pop(0) if tokens else ")"
    if first in "&|)":
        raise reason
    if first != "(":
        return first
    inner = _joined(tokens, node, "|")
    if not tokens or tokens.pop(0) != ")":
        raise reason
    return inner


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
