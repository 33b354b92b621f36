"""The exclusions of a sweep as bit masks, one bit for each rule: what a value leaves of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

Rule = Mapping[str, Any]


class Exclusions:
    """Rules ``{name: value}``; a point that has all values of one rule is excluded."""

    def __init__(self, rules: Iterable[Rule], names: Collection[str]) -> None:
        # a rule that names what no point has can never be met
        possible = [rule for rule in rules if all(name in names for name in rule)]
        self.all = (1 << len(possible)) - 1
        self._named: dict[str, dict[Any, int]] = {}
        self._naming: dict[str, int] = {}
        for bit, rule in enumerate(possible):
            for name, value in rule.items():
                met = self._named.setdefault(name, {})
                met[_key(value)] = met.get(_key(value), 0) | 1 << bit
                self._naming[name] = self._naming.get(name, 0) | 1 << bit

    @property
    def names(self) -> Collection[str]:
        """Return the parameters that are named by a rule."""
        return self._naming.keys()

    def naming(self, name: str) -> int:
        """Return the rules that name a parameter."""
        return self._naming.get(name, 0)

    def left(self, name: str, value: Any) -> int:
        """Return the rules that can still be met once a parameter has a value."""
        if name not in self._named:
            return self.all
        return self.all & ~self._naming[name] | self._named[name].get(_key(value), 0)

    def exclude(self, point: Mapping[str, Any]) -> bool:
        """Return whether a point, or the part of it that rules name, is excluded."""
        left = self.all
        for name in self._naming:
            left &= self.left_by(name, point)
        return left != 0

    def left_by(self, name: str, point: Mapping[str, Any]) -> int:
        """Return the rules that can still be met once a parameter has its value, or is not there."""
        if name in point:
            return self.left(name, point[name])
        return self.all & ~self.naming(name)


def _key(value: Any) -> tuple[bool, Any]:
    # In Python `True == 1`; in a sweep `exclude: [{flag: true}]` must not hit `flag: 1`.
    return isinstance(value, bool), _hashable(value)


def _hashable(value: Any) -> Any:
    """Return a JSON value as one that can be a key, equal where the values are."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return frozenset((name, _hashable(each)) for name, each in value.items())
    return value
