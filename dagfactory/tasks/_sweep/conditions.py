"""Mistakes in `when`, `constraints` and `zip`: what they name, compare, and whether they say anything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.runtime import expr
from dagfactory.runtime.conditions import names, parents_first
from dagfactory.tasks._sweep.space import expression

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.condition import Expression
    from dagfactory.tasks._sweep.model import Sweep

MOST_SHOWN = 8
MOST_TRIED = 10_000
"""Values and their combinations that are tried to tell whether a condition says anything."""


def problems(task: Sweep) -> Iterator[Diagnostic]:
    """Find conditions and zips that cannot be, or that change nothing."""
    yield from _zips(task)
    wrong = list(_conditions(task))
    yield from wrong or _idle(task)


class _Written(NamedTuple):
    """A condition as it is written, and where."""

    text: str
    path: KeyPath
    constrains: bool = False

    @property
    def expression(self) -> Expression:
        return expression(self.text)

    def at(self, name: str) -> Pointer:
        """Return where a name stands."""
        start = max(self.text.find(name), 0)
        return Pointer(self.path, start=start, end=start + len(name))


def _written(task: Sweep) -> Iterator[_Written]:
    for space, path in task.hyperparameters.values():
        if space.when:
            yield _Written(space.when, (*path, "when"))
    for index, text in enumerate(task.constraints):
        yield _Written(text, ("constraints", index), constrains=True)


def _conditions(task: Sweep) -> Iterator[Diagnostic]:
    for each in _written(task):
        misnamed = list(_names(task, each))
        yield from misnamed
        if not misnamed and (reason := _undecided(task, each.expression)):
            help_ = "compare numbers with numbers, texts with texts and flags with flags"
            yield Diagnostic("DF237", reason, Pointer(each.path), help=help_)
    yield from _circles(task)
    if task.method == "bayes":
        yield from _steered(task)


def _names(task: Sweep, condition: _Written) -> Iterator[Diagnostic]:
    """Find names that are no hyperparameters."""
    found = expr.names(condition.expression)
    for name in found.params:
        message = f"`params.{name}` is known in a run only, and a sweep's trials before it"
        place = condition.at(f"params.{name}")
        yield Diagnostic("DF237", message, place, help="write the value itself")
    for name in found.metrics:
        if name not in task.spaces:
            message, help_ = f"unknown hyperparameter `{name}`", did_you_mean(name, task.spaces)
            if any(
                name in (task.spaces[each].values or ())
                for each in found.metrics & task.spaces.keys()
            ):
                help_ = f"in quotes it is a value: `'{name}'`"
            yield Diagnostic("DF237", message, condition.at(name), help=help_)
    if not found.metrics and not found.params:
        message = "this condition names no hyperparameter"
        place = Pointer(condition.path)
        yield Diagnostic("DF237", message, place, help="delete it, or compare one")


def _undecided(task: Sweep, condition: Expression) -> str:
    """Return why some values cannot be compared, by one value of each kind; empty where all can."""
    needed = sorted(names(condition))
    kinds = [_one_of_each_kind(task.spaces[name].listed) for name in needed]
    if math.prod(map(len, kinds)) > MOST_TRIED:
        return ""
    for values in itertools.product(*kinds):
        decision = expr.evaluate(condition, dict(zip(needed, values, strict=True)), {})
        if not decision.decided:
            return decision.reason.replace("metric ", "hyperparameter ")
    return ""


def _one_of_each_kind(values: list[Any] | None) -> list[Any]:
    # not 0, by which nothing can be divided, where another number is there
    return list({type(each): each for each in sorted(values or [1.5], key=bool)}.values())


def _circles(task: Sweep) -> Iterator[Diagnostic]:
    """Find hyperparameters whose conditions wait for each other."""
    when = {name: expression(each.when) for name, each in task.spaces.items() if each.when}
    for name in when.keys() - set(parents_first(when)):
        message = f"`{name}` is there by a condition that waits for itself"
        path = (*task.hyperparameters[name].path, "when")
        yield Diagnostic(
            "DF237", message, Pointer(path), help="name hyperparameters that stand alone"
        )


def _steered(task: Sweep) -> Iterator[Diagnostic]:
    """Find conditions that Vertex AI's study has no form for."""
    for space, path in task.hyperparameters.values():
        if not space.when:
            continue
        parents = names(expression(space.when))
        if len(parents) != 1 or any(
            task.spaces[each].listed is None for each in parents & task.spaces.keys()
        ):
            message = "Vertex AI's study gives a hyperparameter to listed values of one other"
            help_ = "name one hyperparameter with `values` or `step`, or choose another `method`"
            yield Diagnostic("DF237", message, Pointer((*path, "when")), help=help_)


def _idle(task: Sweep) -> Iterator[Diagnostic]:
    """Find conditions that hold for none of the values, and a `when` that holds for all."""
    for each in _written(task):
        outcomes = _outcomes(task, each.expression)
        if outcomes == {False}:
            help_ = "compare it with values that there are" + _shown(task, each.expression)
            message = "this holds for none of the values"
            yield Diagnostic("DF239", message, Pointer(each.path), help=help_)
        elif outcomes == {True} and not each.constrains:
            message = "this holds for all values"
            yield Diagnostic("DF239", message, Pointer(each.path), help="delete it")


def _shown(task: Sweep, condition: Expression) -> str:
    """Return the values of the one hyperparameter that a condition reads; empty for several."""
    needed = names(condition)
    listed = [task.spaces[name].listed or [] for name in needed]
    if len(listed) != 1 or len(listed[0]) > MOST_SHOWN:
        return ""
    return f": {', '.join(map(str, listed[0]))}"


def _outcomes(task: Sweep, condition: Expression) -> set[bool]:
    """Return what a condition says of all values; nothing where they are too many, or not listed."""
    needed = sorted(names(condition))
    spaces = [task.spaces[name] for name in needed]
    if any(each.when or each.listed is None for each in spaces):
        return set()
    if math.prod(each.size or 1 for each in spaces) > MOST_TRIED:
        return set()
    combined = itertools.product(*(each.listed or () for each in spaces))
    points = (dict(zip(needed, each, strict=True)) for each in combined)
    return {expr.holds(condition, point) for point in points}


def _zips(task: Sweep) -> Iterator[Diagnostic]:
    """Find names that cannot go together."""
    seen: set[str] = set()
    for index, together in enumerate(task.zip):
        if len(together) < 2:  # noqa: PLR2004 - a pair
            message = "one hyperparameter goes together with nothing"
            yield Diagnostic("DF238", message, Pointer(("zip", index)), help="name two or more")
        for place, name in enumerate(together):
            pointer = Pointer(("zip", index, place))
            if reason := _unzipped(task, name, together, seen):
                yield Diagnostic("DF238", *reason[:1], pointer, help=reason[1])
            seen.add(name)


def _unzipped(
    task: Sweep, name: str, together: Iterable[str], seen: set[str]
) -> tuple[str, str | None] | None:
    """Return why a name cannot go together with others, and what to write."""
    if name not in task.spaces:
        return f"unknown hyperparameter `{name}`", did_you_mean(name, task.spaces)
    if name in seen:
        return f"`{name}` is named twice", "name it once"
    space, first = task.spaces[name], _first(task.spaces, together)
    if space.when:
        return f"`{name}` is not in all trials", "delete its `when`, or leave it out here"
    if space.size is None:
        return f"`{name}` is a range", "list its `values`"
    if first and space.size != task.spaces[first].size:
        sizes = f"{space.size}, `{first}` {task.spaces[first].size}"
        return f"`{name}` has {sizes} values", "list as many values of each"
    return None


def _first(spaces: Mapping[str, Any], together: Iterable[str]) -> str | None:
    return next((each for each in together if each in spaces and spaces[each].size), None)
