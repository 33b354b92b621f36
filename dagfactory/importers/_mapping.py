"""dag-factory's dynamic task mapping as `for_each`, where both run the same tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagfactory.catalogue import operator_moves
from dagfactory.importers import _operators as operators
from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._shared import Argument, fields
from dagfactory.importers._values import ImportContext, data, items
from dagfactory.importers._yaml11 import yaml11_value

_RESULT = re.compile(r"\+(\w+)\Z|(\w+)\.output\Z|XcomArg\((\w+)\)\Z")
_MAPPABLE = {operators.BASH: ("bash_command",), operators.PYTHON: ("op_kwargs",)}


@dataclass(frozen=True, slots=True)
class MappedArgument:
    """What a task is mapped over: the argument, and the list as specs write it."""

    argument: str
    items: Any

    def apply_to(self, made: dict[str, Any]) -> None:
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


def mapped_argument(
    own: Mapping[str, Argument], context: ImportContext, ids: Mapping[str, str]
) -> MappedArgument | None:
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
        if name in context.mapped:
            raise NotDataError(f"a task mapped over `{name}`, which is mapped itself", given.key)
        message = "the task becomes a group of two: `items` reads the list, `each` is mapped"
        context.add("form", message, given.key)
        return MappedArgument(argument, f"${{tasks.{ids.get(name, name)}.result}}")
    listed = [data(each, context) for each in items(value.node) or ()]
    if not listed or any(map(_rendered, listed)) or not _fit(argument, listed, own):
        raise reason
    return MappedArgument(argument, listed)


def _allowed(argument: str, own: Mapping[str, Argument]) -> bool:
    """Return whether an item reaches the argument unchanged."""
    # `for_each` renders items as templates, which turns them into text; only `python` keeps types.
    if "operator" not in own:
        return argument not in operators.BASE_ARGUMENTS
    path = operator_moves.modern(str(yaml11_value(own["operator"].node)))
    return argument in _MAPPABLE.get(path, ())


def _rendered(value: Any) -> bool:
    """Return whether an item holds a template, which Airflow renders in an argument, not in an item."""
    if isinstance(value, dict | list):
        return any(map(_rendered, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _fit(argument: str, listed: list[Any], own: Mapping[str, Argument]) -> bool:
    """Return whether the argument takes the items: texts for a command, equal keys for a function."""
    if argument == "op_kwargs" and "operator" in own:
        keys = [set(each) if isinstance(each, dict) else None for each in listed]
        return keys[0] is not None and all(each == keys[0] for each in keys)
    # Airflow reads a command that ends so as the name of a template file
    files = (".sh", ".bash")
    return "operator" not in own or all(
        isinstance(each, str) and not each.strip().endswith(files) for each in listed
    )


def with_partial(given: dict[str, Argument], own: Mapping[str, Argument]) -> dict[str, Argument]:
    """Return the arguments with those of `partial`, without the two keys."""
    partial = fields(own["partial"].node) if "partial" in own else {}
    kept = {key: each for key, each in given.items() if key not in ("expand", "partial")}
    return kept | partial
