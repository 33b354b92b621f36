"""dag-factory's dynamic task mapping as `for_each`, where both run the same tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagfactory.importers import _operators as operators
from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._shared import Given, fields
from dagfactory.importers._values import Context, data, items
from dagfactory.importers._yaml11 import native

_RESULT = re.compile(r"\+(\w+)\Z|(\w+)\.output\Z|XcomArg\((\w+)\)\Z")
_MAPPABLE = {operators.BASH: ("bash_command",), operators.PYTHON: ("op_kwargs",)}


@dataclass(frozen=True, slots=True)
class Over:
    """What a task is mapped over: the argument, and the list as specs write it."""

    argument: str
    items: Any

    def into(self, made: dict[str, Any]) -> None:
        """Put the list and its item into a task that was made without the argument."""
        made["for_each"] = self.items
        if self.argument == "op_kwargs":
            made["args"] = self._keywords() | dict(made.get("args", {}))
        elif made["type"] == "bash":
            made["command"] = "${each}"
        else:
            made["args"] = {self.argument: "${each}"} | dict(made.get("args", {}))

    def _keywords(self) -> dict[str, str]:
        return {key: f"${{each.{key}}}" for key in self.items[0]}


def over(own: Mapping[str, Given], context: Context, ids: Mapping[str, str]) -> Over | None:
    """Return what a task is mapped over; raises NotDataError where `for_each` would run other tasks."""
    if "expand" not in own or not own["expand"].node.value:
        return None
    given, reason = (
        own["expand"],
        NotDataError("dynamic task mapping (`expand`)", own["expand"].key),
    )
    mapped = fields(given.node)
    if len(mapped) != 1:
        raise reason
    ((argument, value),) = mapped.items()
    result = _RESULT.match(str(value.node.value))
    if not _allowed(argument, own):
        raise reason
    if result and argument != "op_kwargs":
        name = next(filter(None, result.groups()))
        message = "the task becomes a group of two: `items` reads the list, `each` is mapped"
        context.add("form", message, given.key)
        return Over(argument, f"${{tasks.{ids.get(name, name)}.result}}")
    listed = [data(each, context) for each in items(value.node) or ()]
    if not listed or any(map(_rendered, listed)) or not _fit(argument, listed, own):
        raise reason
    return Over(argument, listed)


def _allowed(argument: str, own: Mapping[str, Given]) -> bool:
    """Whether the item reaches the argument as it is: Airflow renders the one, `python` keeps types."""
    if "operator" not in own:
        return argument not in operators.BASE_ARGUMENTS
    path = operators.modern(str(native(own["operator"].node)))
    return argument in _MAPPABLE.get(path, ())


def _rendered(value: Any) -> bool:
    """Whether an item holds a template, which Airflow would render in an argument."""
    if isinstance(value, dict | list):
        return any(map(_rendered, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _fit(argument: str, listed: list[Any], own: Mapping[str, Given]) -> bool:
    """Whether the items are what the argument takes: texts for a command, equal keys for a function."""
    if argument == "op_kwargs" and "operator" in own:
        keys = [set(each) if isinstance(each, dict) else None for each in listed]
        return keys[0] is not None and all(each == keys[0] for each in keys)
    return "operator" not in own or all(isinstance(each, str) for each in listed)


def with_partial(given: dict[str, Given], own: Mapping[str, Given]) -> dict[str, Given]:
    """Return the arguments with those of `partial`, without the two keys."""
    partial = fields(own["partial"].node) if "partial" in own else {}
    kept = {key: each for key, each in given.items() if key not in ("expand", "partial")}
    return kept | partial
