"""The hyperparameters of a W&B sweep, spelled for the program as W&B's agent spells them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.importers._search import MOST_TRIALS, Search, literal, plain11
from dagfactory.importers._write import CommentedMap
from dagfactory.language.wandb import NESTED, Parameter, UnfitError, number, parameter

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.document.node import Node

_ENDS = ("min", "max", "q")


def fill_parameters(search: Search, method: str, style: str) -> None:
    """Set `args` and `parameters` of the sweep."""
    args, spaces = CommentedMap(), CommentedMap()
    for name, path, node in _flat(search, ("parameters",)):
        found = _parameter(search, path, node, grid=method == "grid")
        if found is None:
            continue
        if found.range is None and found.values is None:
            args[name] = _spelled(search, (*path, "value"), found.constant, style)
        else:
            spaces[name] = _space(search, path, found, style)
    if args and not spaces:
        # a sweep has at least one hyperparameter, and one of one value is the same
        name, value = args.popitem()
        spaces[name] = CommentedMap(values=[value])
    if not search.fields(("parameters",)):
        search.broken(("parameters",), "it has no hyperparameters")
    if args:
        search.sweep["args"] = args
    search.sweep["parameters"] = spaces
    spaces.block_style = True
    _cap(search, method, spaces)


def _flat(search: Search, path: KeyPath) -> Iterator[tuple[str, KeyPath, Node]]:
    """Yield each hyperparameter with its name, those that are nested as `outer.inner`."""
    for name, node in search.fields(path).items():
        inner = node.child(NESTED) if isinstance(node.value, dict) else None
        if inner is None or not isinstance(inner.value, dict):
            yield name, (*path, name), node
            continue
        message = f"W&B hands over one mapping, the job `--{name}.NAME=value`"
        search.add("changed", (*path, name, NESTED), message)
        below = _flat(search, (*path, name, NESTED))
        yield from ((f"{name}.{each}", place, found) for each, place, found in below)


def _parameter(search: Search, path: KeyPath, node: Node, *, grid: bool) -> Parameter | None:
    """Return what a definition means; None, with a remark, where a sweep cannot do the same."""
    if not isinstance(node.value, dict):
        search.broken(path, "it is not a mapping", f"write `{{value: {node.raw or node.value}}}`")
        return None
    definition = {key: _plain(search, (*path, key), each) for key, each in node.value.items()}
    try:
        found = parameter(definition, grid=grid)
    except UnfitError as error:
        place = (*path, error.key) if error.key in node.value else path
        (search.broken if error.broken else search.refuse)(place, error.reason, error.remedy)
        return None
    place = (*path, "distribution") if "distribution" in node.value else path
    if found.form:
        search.add("form", place, found.form)
    if found.doubt:
        search.add("doubtful", place, found.doubt)
    return found


def _plain(search: Search, path: KeyPath, node: Node) -> Any:
    """Return a value; an end of a range that PyYAML reads as text is taken for the number it is."""
    value = plain11(node)
    if path[-1] not in _ENDS or not isinstance(value, str) or node.quoted:
        return value
    try:
        found = number(str(path[-1]), value)
    except UnfitError:
        return value
    message = f"W&B reads `{value}` as text and refuses it; taken for the number"
    search.add("form", path, message)
    return found


def _space(search: Search, path: KeyPath, found: Parameter, style: str) -> CommentedMap:
    if found.range is not None:
        return CommentedMap(found.range)
    values = [
        _spelled(search, (*path, "values", at), each, style)
        for at, each in enumerate(found.values or ())
    ]
    return CommentedMap(values=values)


def _spelled(search: Search, path: KeyPath, value: Any, style: str) -> Any:
    """Return a value that reaches the program in the words in which W&B's agent hands it over."""
    if value is None:
        search.broken(path, "W&B's agent hands over no null", "delete it")
    elif isinstance(value, list | dict) and style != "gnu":
        search.refuse(path, "a list is one argument only with `${args}`", "write it as text")
    elif isinstance(value, bool):
        return str(value) if style == "gnu" else value
    elif not isinstance(value, str | int | float):
        # a list, a mapping, a date: Python's text of it
        return literal(str(value))
    elif isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return literal(value)


def _cap(search: Search, method: str, spaces: CommentedMap) -> None:
    """Compare the number of trials with that of all combinations."""
    if not all("values" in each for each in spaces.values()):
        return
    size = math.prod(len(each["values"]) for each in spaces.values())
    if method == "grid":
        _whole(search, size)
    elif search.sweep.get("trials", 0) > size:
        message = f"W&B would repeat some of the {size} combinations; the spec tries each once"
        search.add(
            "changed", ("run_cap",) if search.root.child("run_cap") else ("method",), message
        )
        search.sweep["trials"] = size


def _whole(search: Search, size: int) -> None:
    """Refuse a grid that is too large, or of which W&B would try the first trials only."""
    cap = search.value(("run_cap",))
    if size > MOST_TRIALS:
        message = f"a grid of {size:,} trials is more than {MOST_TRIALS:,}"
        search.refuse(("parameters",), message, "use `method: random`")
    elif cap is not None and (not isinstance(cap, int) or cap < size):
        message = f"the grid has {size:,} trials, and a grid here is whole"
        search.refuse(("run_cap",), message, "delete it, or use `method: random`")
