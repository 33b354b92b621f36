"""ExternalTaskSensor with an `execution_delta` as `wait_for_dag`.

`operator` cannot hold the duration, which is an object. Without one the class itself is written, which
renders to the same DAG.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import data, duration
from dagfactory.importers._yaml11 import yaml11_value
from dagfactory.language.duration import duration_text
from dagfactory.tasks.wait_for_dag import State

if TYPE_CHECKING:
    from dagfactory.importers._shared import Argument
    from dagfactory.importers._values import ImportContext

_UNITS = re.compile(r"(\d+)\s+(hour|minute|second|day)", re.IGNORECASE)
_NAMES = {
    "external_dag_id": "dag",
    "external_task_id": "task",
    "external_task_ids": "task",
    "external_task_group_id": "group",
    "allowed_states": "succeed_on",
}
_DURATIONS = {"poke_interval": "poll", "timeout": "timeout"}
_WAYS = ("mode", "deferrable", "poll_interval", "exponential_backoff")
"""How a sensor waits, which changes nothing in what it waits for."""


def wait_for_dag(given: Mapping[str, Argument], context: ImportContext) -> dict[str, Any]:
    """Return the task; raises NotDataError where the language cannot express what it waits for."""
    made: dict[str, Any] = {"type": "wait_for_dag", "dag": ""}
    values = {key: each for key, each in given.items() if yaml11_value(each.node) is not None}
    for key, each in values.items():
        if key in _NAMES:
            made[_NAMES[key]] = data(each.node, context)
        elif key in _DURATIONS:
            found = duration(each.node, context)
            made |= {_DURATIONS[key]: found} if found else {}
        elif key == "execution_delta":
            made["offset"] = _offset(each)
        elif key == "soft_fail" and yaml11_value(each.node):
            made["on_timeout"] = "skip"
        elif key not in (*_WAYS, "failed_states", "soft_fail"):
            context.add("no-equivalent", f"argument `{key}` was left out", each.key)
    _ends(made, values, context)
    return made


def _offset(each: Argument) -> str:
    """Return how much earlier the other run is; dag-factory reads a text such as `1 days`."""
    found = _UNITS.match(str(yaml11_value(each.node)))
    length = timedelta(**{f"{found[2].lower()}s": int(found[1])}) if found else timedelta()
    if not length:
        raise NotDataError("`execution_delta` is not a text such as `1 days`", each.node.span)
    return duration_text(length)


def _ends(made: Mapping[str, Any], values: Mapping[str, Argument], context: ImportContext) -> None:
    """Report where the states that it succeeds or fails on differ from those of the sensor."""
    for state in made.get("succeed_on", ()):
        if state not in get_args(State):
            raise NotDataError(f"it waits for the state `{state}`", values["allowed_states"].key)
    failed = values.get("failed_states")
    listed = data(failed.node, context) if failed else []
    if failed and listed == ["failed"] and {"task", "group"} & made.keys():
        message = (
            "a task that failed because of one before it is a failure, too (`upstream_failed`)"
        )
        context.add("changed", message, failed.key)
    if "failed" not in listed and "failed" not in made.get("succeed_on", ()):
        place = failed or values["execution_delta"]
        message = "a failure over there is a failure here; the sensor waited on until its timeout"
        context.add("changed", message, place.key)
