"""Sweeps with conditions: hyperparameters that only some points have, that go together, and constraints.

``"when": {name: expression}`` gives a hyperparameter to the points where the expression holds,
``"zip": [[name, …]]`` takes the n-th values of several together, ``"constraints": [expression]`` leaves
out what does not fit. The expressions are those of gates (see `expr`), over hyperparameters. A ``when``
over one that a point does not have does not hold; a constraint over one says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from . import expr
from .exclusions import Exclusions
from .points import Parameters, different, text
from .sampling import Draws, listed

Step: TypeAlias = tuple[Parameters, Parameters, int]
"""What a point gets, what later conditions have to know, and the exclusions that can still be met."""


class Conditions:
    """Which hyperparameters a point has, and which points there are."""

    def __init__(self, sweep: Mapping[str, Any]) -> None:
        self.when: Mapping[str, expr.Expression] = sweep.get("when") or {}
        self.constraints = [(each, names(each)) for each in sweep.get("constraints") or ()]
        self.constrained = frozenset().union(*(needs for _, needs in self.constraints))
        self.zipped: Sequence[Sequence[str]] = sweep.get("zip") or ()

    def has(self, name: str, point: Mapping[str, Any]) -> bool:
        """Return whether a point has a hyperparameter, by those that its condition reads."""
        return name not in self.when or expr.holds(self.when[name], point)

    def part(self, point: Parameters) -> Parameters:
        """Return what a point has of values for all hyperparameters."""
        kept = dict(point)
        for name in parents_first(self.when):
            if name in kept and not self.has(name, kept):
                del kept[name]
        return kept

    def allow(self, point: Parameters) -> bool:
        """Return whether a point fits the constraints."""
        return all(
            expr.holds(each, point) for each, needs in self.constraints if needs <= point.keys()
        )


def names(expression: expr.Expression) -> frozenset[str]:
    """Return the hyperparameters that an expression reads."""
    return frozenset(expr.names(expression).metrics)


def parents_first(when: Mapping[str, expr.Expression]) -> list[str]:
    """Return the names with a condition, each after those that its condition reads."""
    found: dict[str, None] = {}
    # as often as a condition can stand on others; what waits for itself is left out
    for _ in when:
        for name, expression in when.items():
            if all(each in found or each not in when for each in names(expression)):
                found.setdefault(name)
    return list(found)


class ConditionedDraws(Draws):
    """Draws of what each point has; those that go together are drawn as one."""

    def __init__(self, method: str, sweep: Mapping[str, Any], conditions: Conditions) -> None:
        super().__init__(method, sweep["parameters"], sweep.get("draw_seed", 0))
        self._conditions = conditions
        self._first = {name: each[0] for each in conditions.zipped for name in each}

    def part(self, draw: int, names: Iterable[str]) -> Parameters:
        """Return the parameters of these names that a point has."""
        if not self._conditions.when:
            return super().part(draw, names)
        point = self._conditions.part(super().part(draw, self.names))
        return {name: point[name] for name in names if name in point}

    def fit(self, draw: int) -> bool:
        """Return whether a point fits the constraints."""
        return self._conditions.allow(self.part(draw, self._conditions.constrained))

    def unit(self, draw: int, name: str) -> float:
        """Return the number in [0, 1) that decides a parameter."""
        return super().unit(draw, self._first.get(name, name))


class ConditionedGrid:
    """All combinations that conditions and exclusions allow, counted by what later conditions read.

    A point follows from its index, as in a plain grid: below each value it is known how many points there
    are, once for each set of values that a later condition can tell apart.
    """

    def __init__(self, sweep: Mapping[str, Any], conditions: Conditions) -> None:
        parameters = sweep["parameters"]
        self._conditions = conditions
        self._rules = Exclusions(sweep.get("exclude") or (), parameters)
        axes = _axes(parameters, conditions)
        self._names = [names for names, _ in axes]
        self._choices = [choices for _, choices in axes]
        depths = range(len(axes) + 1)
        later = [frozenset(name for each in self._names[at:] for name in each) for at in depths]
        self._decided = [self._rules.all & ~_naming(self._rules, later[at]) for at in depths]
        self._checks = [
            [each for each in conditions.constraints if each[1] & names and not each[1] & later[at]]
            for at, names in enumerate(map(frozenset, self._names), 1)
        ]
        self._read = [self._read_later(later[at]) for at in depths]
        self._counted: dict[tuple[int, int, str], int] = {}

    def _read_later(self, later: frozenset[str]) -> frozenset[str]:
        """Return what is read by the conditions that wait for one of these names."""
        waiting = [needs for _, needs in self._conditions.constraints if needs & later]
        waiting += [names(each) for name, each in self._conditions.when.items() if name in later]
        return frozenset().union(*waiting)

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count(0, {}, self._rules.all)

    def __getitem__(self, index: int) -> Parameters:
        """Return the point at an index."""
        if index >= len(self):
            raise IndexError(index)
        point: Parameters = {}
        known: Parameters = {}
        left = self._rules.all
        for depth in range(len(self._names)):
            (choice, known, left), index = self._step(depth, known, left, index)
            point |= choice
        return point

    def parts(self, names: Sequence[str]) -> Iterator[Parameters]:
        """Yield the parameters of these names that each point has."""
        for index in range(len(self)):
            point = self[index]
            yield {name: point[name] for name in names if name in point}

    def holds(self, point: Parameters) -> bool:
        """Return whether a point is one of them."""
        known: Parameters = {}
        left, seen = self._rules.all, 0
        for depth, here in enumerate(self._names):
            wanted = text({name: point[name] for name in here if name in point})
            found = (each for each in self._steps(depth, known, left) if text(each[0]) == wanted)
            step = next(found, None)
            if step is None:
                return False
            seen += len(step[0])
            _, known, left = step
        return seen == len(point)

    def _step(self, depth: int, known: Parameters, left: int, index: int) -> tuple[Step, int]:
        """Return how a point goes on, and its index among those that go on so."""
        for step in self._steps(depth, known, left):
            below = self._count(depth + 1, *step[1:])
            if index < below:
                return step, index
            index -= below
        raise AssertionError  # the counts of all steps are the count of the whole

    def _steps(self, depth: int, known: Parameters, left: int) -> Iterator[Step]:
        """Yield how points can go on."""
        here = self._names[depth]
        has = self._conditions.has(here[0], known)
        for choice in self._choices[depth] if has else [{}]:
            point = {**known, **choice}
            rules = left
            for name in here:
                rules &= self._rules.left_by(name, point)
            fits = all(
                expr.holds(each, point)
                for each, needs in self._checks[depth]
                if needs <= point.keys()
            )
            if fits and not rules & self._decided[depth + 1]:
                read = self._read[depth + 1]
                yield choice, {name: point[name] for name in point if name in read}, rules

    def _count(self, depth: int, known: Parameters, left: int) -> int:
        """Return how many points go on from what is known."""
        if depth == len(self._names):
            return 1
        key = (depth, left, text(known))
        if key not in self._counted:
            steps = self._steps(depth, known, left)
            self._counted[key] = sum(
                self._count(depth + 1, after, rules) for _, after, rules in steps
            )
        return self._counted[key]


def _axes(
    parameters: Mapping[str, Any], conditions: Conditions
) -> list[tuple[tuple[str, ...], list[Parameters]]]:
    """Return what varies, in order: the names that go together, and all their choices."""
    together = {name: tuple(each) for each in conditions.zipped for name in each}
    plain = [together.get(name, (name,)) for name in parameters if name not in conditions.when]
    order = dict.fromkeys([*plain, *((name,) for name in parents_first(conditions.when))])
    return [(each, _rows(each, parameters)) for each in order]


def _rows(names: tuple[str, ...], parameters: Mapping[str, Any]) -> list[Parameters]:
    rows = zip(*(listed(parameters[name]) for name in names), strict=True)
    return list(different([dict(zip(names, row, strict=True)) for row in rows]).values())


def _naming(rules: Exclusions, names: Iterable[str]) -> int:
    found = 0
    for name in names:
        found |= rules.naming(name)
    return found
