"""The points of a sweep by their index: what one task needs to know of ten thousand trials.

A point of a grid follows from its index alone: with exclusions, by counting how many points lie below
each value. A sampled point follows from its number among all draws, and which draws count is found up to
that point, by one parameter as long as no two draws agree in it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from .exclusions import Exclusions
from .sampling import Draws, listed, possible

if TYPE_CHECKING:
    from .conditions import Conditions

Sweep: TypeAlias = Mapping[str, Any]
Parameters: TypeAlias = dict[str, Any]
Texts: TypeAlias = tuple[str, ...]

DRAWS_PER_POINT = 20
"""Draws for each point that is wanted, before a search gives up."""


class Made(Protocol):
    """Points that are not written out one by one."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, index: int) -> Parameters:
        """Return the point at an index; raise IndexError after the last one."""

    def parts(self, names: Sequence[str]) -> Iterator[Parameters]:
        """Yield of every point, in order, the parameters of these names."""

    def holds(self, point: Parameters) -> bool:
        """Return whether a point is one of them."""


class Points:
    """Every point of a sweep, without seeds: what is made, then what ``include`` adds; each once."""

    def __init__(self, sweep: Sweep) -> None:
        self._made = _made(sweep)
        self._included = sweep.get("include") or []
        self._added: list[Parameters] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._made) + len(self._more())

    def __getitem__(self, index: int) -> Parameters:
        """Return the point at an index, of which there are none below 0."""
        if index < 0:
            raise IndexError(index)
        try:
            return self._made[index]
        except IndexError:
            return self._more()[index - len(self._made)]

    def __iter__(self) -> Iterator[Parameters]:
        """Yield every point in order."""
        return (self[index] for index in range(len(self)))

    def parts(self, names: Sequence[str]) -> Iterator[Parameters]:
        """Yield of every point, in order, the parameters of these names that it has."""
        more = ({name: each[name] for name in names if name in each} for each in self._more())
        return itertools.chain(self._made.parts(names), more)

    def _more(self) -> list[Parameters]:
        if self._added is None:
            different_ones = different(self._included).values()
            self._added = [dict(each) for each in different_ones if not self._made.holds(each)]
        return self._added


def _made(sweep: Sweep) -> Made:
    if not any(key in sweep for key in ("when", "zip", "constraints")):
        return SampledPoints(sweep) if "trials" in sweep else GridPoints(sweep)
    # imported for a condition only: most sweeps have none, and most trials start without
    from .conditions import ConditionedGrid, Conditions

    conditions = Conditions(sweep)
    if "trials" in sweep:
        return SampledPoints(sweep, conditions)
    return ConditionedGrid(sweep, conditions)


class GridPoints:
    """All combinations of listed values that no rule excludes, the last parameter fastest."""

    def __init__(self, sweep: Sweep) -> None:
        parameters: Mapping[str, Any] = sweep.get("parameters") or {}
        texts = {name: different(listed(space)) for name, space in parameters.items()}
        self._texts = {name: values.keys() for name, values in texts.items()}
        self._values = {name: list(values.values()) for name, values in texts.items()}
        self._rules = Exclusions(sweep.get("exclude") or (), parameters)
        self._left = [
            [self._rules.left(name, value) for value in values]
            for name, values in self._values.items()
        ]
        sizes = [len(values) for values in self._values.values()]
        depths = range(len(sizes) + 1)
        self._combinations = [math.prod(sizes[depth:]) for depth in depths]
        named = [self._rules.naming(name) for name in parameters]
        self._decided = [self._rules.all & ~_union(named[depth:]) for depth in depths]
        self._counted: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count(0, self._rules.all) if self._values else 0

    def __getitem__(self, index: int) -> Parameters:
        """Return the point at an index."""
        if index >= len(self):
            raise IndexError(index)
        point, left = {}, self._rules.all
        for depth, (name, values) in enumerate(self._values.items()):
            place, index = self._place(depth, left, index)
            point[name] = values[place]
            left &= self._left[depth][place]
        return point

    def parts(self, names: Sequence[str]) -> Iterator[Parameters]:
        """Yield the parameters of these names of every point."""
        if not self._values:
            return
        wanted = [(place, name) for place, name in enumerate(self._values) if name in names]
        pairs = [
            zip(*each, strict=True) for each in zip(self._values.values(), self._left, strict=True)
        ]
        for combination in itertools.product(*pairs):
            left = self._rules.all
            for _, mask in combination:
                left &= mask
            if not left:
                yield {name: combination[place][0] for place, name in wanted}

    def holds(self, point: Parameters) -> bool:
        """Return whether a point is one of them."""
        return (
            bool(point)
            and point.keys() == self._values.keys()
            and all(text(value) in self._texts[name] for name, value in point.items())
            and not self._rules.exclude(point)
        )

    def _place(self, depth: int, left: int, index: int) -> tuple[int, int]:
        """Return which value of a parameter a point has, and its index among those that share it."""
        if not left:
            return divmod(index, self._combinations[depth + 1])
        for place, mask in enumerate(self._left[depth]):
            below = self._count(depth + 1, left & mask)
            if index < below:
                return place, index
            index -= below
        raise AssertionError  # the counts of all values are the count of the whole

    def _count(self, depth: int, left: int) -> int:
        """Return how many points begin with values that leave these rules to be met."""
        if not left:
            return self._combinations[depth]
        if left & self._decided[depth]:  # a rule that names nothing more is met
            return 0
        if (depth, left) not in self._counted:
            masks = Counter(left & mask for mask in self._left[depth])
            counts = (many * self._count(depth + 1, mask) for mask, many in masks.items())
            self._counted[depth, left] = sum(counts)
        return self._counted[depth, left]


class SampledPoints:
    """The first draws that differ and that no rule excludes; fewer where draws do not bring enough."""

    def __init__(self, sweep: Sweep, conditions: Conditions | None = None) -> None:
        parameters = sweep["parameters"]
        self._wanted: int = sweep["trials"]
        self._conditions = conditions
        self._draws = _draws(sweep, conditions)
        self._rules = Exclusions(sweep.get("exclude") or (), parameters)
        # the parameter in which two draws agree least often
        everywhere = [name for name in parameters if name not in sweep.get("when", ())]
        self._key = max(everywhere, key=lambda name: possible(parameters[name]))
        # A range of integers may hold fewer points than are wanted, and nothing counts them.
        self._left = iter(range(DRAWS_PER_POINT + DRAWS_PER_POINT * self._wanted))
        self._kept: list[int] = []
        self._first: dict[str, int] = {}
        self._agreeing: dict[str, set[Texts]] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        self._draw(self._wanted)
        return len(self._kept)

    def __getitem__(self, index: int) -> Parameters:
        """Return the point at an index."""
        self._draw(min(index + 1, self._wanted))
        return self._draws[self._kept[index]]

    def parts(self, names: Sequence[str]) -> Iterator[Parameters]:
        """Yield the parameters of these names of every point."""
        wanted = [name for name in names if name in self._draws.names]
        self._draw(self._wanted)
        return (self._draws.part(draw, wanted) for draw in self._kept)

    def holds(self, point: Parameters) -> bool:
        """Return whether a point is one of them."""
        if not self._has(point) or self._rules.exclude(point):
            return False
        self._draw(self._wanted)
        key = text(point[self._key])
        return key in self._first and _texts(point, self._draws.names) in self._agreed(key)

    def _draw(self, count: int) -> None:
        """Draw until so many points are found or no draws are left."""
        while len(self._kept) < count and (draw := next(self._left, None)) is not None:
            if self._is_new(draw) and not self._excluded(draw):
                self._kept.append(draw)

    def _is_new(self, draw: int) -> bool:
        key = text(self._draws.value(draw, self._key))
        if self._first.setdefault(key, draw) == draw:
            return True
        agreed, point = self._agreed(key), _texts(self._draws[draw], self._draws.names)
        if point in agreed:
            return False
        agreed.add(point)
        return True

    def _agreed(self, key: str) -> set[Texts]:
        """Return the different points that agree in the one parameter."""
        if key not in self._agreeing:
            first = self._draws[self._first[key]]
            self._agreeing[key] = {_texts(first, self._draws.names)}
        return self._agreeing[key]

    def _excluded(self, draw: int) -> bool:
        if not self._draws.fit(draw):
            return True
        return self._rules.exclude(self._draws.part(draw, self._rules.names))

    def _has(self, point: Parameters) -> bool:
        """Return whether a point has the hyperparameters that it should."""
        if self._conditions is None:
            return point.keys() == self._draws.names
        every = dict.fromkeys(self._draws.names) | point
        return point.keys() == self._conditions.part(every).keys()


def _draws(sweep: Sweep, conditions: Conditions | None) -> Draws:
    method = str(sweep.get("draw", sweep.get("method")))
    if conditions is None:
        return Draws(method, sweep["parameters"], sweep.get("draw_seed", 0))
    from .conditions import ConditionedDraws

    return ConditionedDraws(method, sweep, conditions)


def _texts(point: Parameters, names: Iterable[str]) -> Texts:
    return tuple(text(point[name]) if name in point else "" for name in names)


def text(value: Any) -> str:
    """Return what tells values of JSON apart: `1`, `1.0` and `true` are equal in Python."""
    if isinstance(
        value, int | float | str
    ):  # the usual ones, for which JSON takes ten times as long
        return repr(value)
    return json.dumps(value, sort_keys=True)


def different(values: Sequence[Any]) -> dict[str, Any]:
    """Return the different ones among values, in order, by their texts."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(text(value), value)
    return found


def _union(masks: Sequence[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
