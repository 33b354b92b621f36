"""Points sampled from ranges, at random or by a Sobol sequence: pure, the same on every machine.

A parameter is a list of values or a range ``{"min": a, "max": b, "scale": "linear" | "log"}``; a
range of two integers gives integers. With ``"step": q`` it holds a, a + q, a + 2q … up to b, and a draw
gives the nearest of them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

Parameters = dict[str, Any]

BITS = 32
DIGITS = 6
# Primitive polynomials (degree, coefficients) and initial direction numbers of the dimensions after
# the first: S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional
# projections", SIAM J. Sci. Comput. 30 (2008), their file new-joe-kuo-6.21201.
DIRECTIONS: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
    (5, 4, (1, 1, 5, 5, 5)),
    (5, 7, (1, 1, 7, 11, 19)),
    (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)),
    (5, 14, (1, 3, 5, 5, 31)),
    (6, 1, (1, 3, 3, 9, 7, 49)),
    (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)),
    (6, 19, (1, 1, 1, 15, 7, 5)),
    (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)),
    (7, 1, (1, 3, 7, 11, 23, 15, 103)),
    (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)
MOST_DIMENSIONS = len(DIRECTIONS) + 1


class Draws:
    """Points without end by their numbers; ``method`` is ``random`` or ``sobol`` (21 parameters at most)."""

    def __init__(self, method: str, parameters: Mapping[str, Any], seed: int) -> None:
        self.names = parameters.keys()
        self._scales = {name: scale(space) for name, space in parameters.items()}
        self._seed = seed
        # A digital shift: XOR with one number for each dimension keeps the points as evenly spread as
        # they are. It depends on the seed.
        self._shifts = {
            name: (place, int(uniform(seed, -1, name) * 2**BITS))
            for place, name in enumerate(parameters if method == "sobol" else ())
        }

    def __getitem__(self, draw: int) -> Parameters:
        """Return a point."""
        return self.part(draw, self.names)

    def part(self, draw: int, names: Iterable[str]) -> Parameters:
        """Return the parameters of these names of a point."""
        return {name: self.value(draw, name) for name in names}

    def fit(self, draw: int) -> bool:  # noqa: ARG002 - of those with conditions
        """Return whether a point is one of the sweep's."""
        return True

    def value(self, draw: int, name: str) -> Any:
        """Return one parameter of a point."""
        return self._scales[name](self.unit(draw, name))

    def unit(self, draw: int, name: str) -> float:
        """Return the number in [0, 1) that decides one parameter of a point."""
        if not self._shifts:
            return uniform(self._seed, draw, name)
        dimension, shift = self._shifts[name]
        return float((sobol(draw, dimension) ^ shift) / 2**BITS)


def possible(space: Any) -> float:
    """Return how many values a list or a range has at most."""
    if isinstance(space, list):
        return len(space)
    if "step" in space:
        return _steps(space) + 1
    low, high = space["min"], space["max"]
    return float(high - low + 1) if isinstance(low, int) and isinstance(high, int) else math.inf


def listed(space: Any) -> list[Any]:
    """Return the values of a list, or of a range with steps; the ends of any other range."""
    if isinstance(space, list):
        return space
    if "step" not in space:
        return [space["min"], space["max"]]
    return [_stepped(space, number) for number in range(_steps(space) + 1)]


def _steps(space: Mapping[str, Any]) -> int:
    """Return how many steps a range has room for."""
    low, high, step = (float(space[name]) for name in ("min", "max", "step"))
    # (0.3 - 0) / 0.1 is a little below 3
    return math.floor((high - low) / step + 1e-9)


def _stepped(space: Mapping[str, Any], number: int) -> Any:
    """Return the value after so many steps; floats have twelve significant digits."""
    value = space["min"] + number * space["step"]
    # 0.1 + 2 * 0.1 is a little above 0.3
    return float(f"{value:.12g}") if isinstance(value, float) else value


def uniform(seed: int, index: int, name: str) -> float:
    """Return a number in [0, 1) that is a function of these three."""
    # Not from `random`, whose sequences Python may change: the worker that runs trial 7 next year has
    # to derive the same parameters.
    digest = hashlib.sha256(f"{seed}/{index}/{name}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48  # 48 bits: a float holds them exactly


def value_at(space: Any, unit: float) -> Any:
    """Return the value of a list or a range for a number in [0, 1); floats have six significant digits."""
    return scale(space)(unit)


def scale(space: Any) -> Callable[[float], Any]:
    """Return what makes a value of a list or a range of a number in [0, 1)."""
    if isinstance(space, list):
        return lambda unit: space[int(unit * len(space))]
    if "step" in space:
        return _step_scale(space)
    low, high = space["min"], space["max"]
    whole = isinstance(low, int) and isinstance(high, int)
    # one more, so that the largest integer is drawn too
    spread = _spread(low, high + 1 if whole else high, space.get("scale") == "log")
    if whole:
        # exp(log(8)) is a little below 8
        return lambda unit: min(math.floor(spread(unit) + 1e-9), high)
    # Rounded, because the value becomes text in an argument and part of the trial's id; rounding can
    # leave the range.
    return lambda unit: min(max(float(f"{spread(unit):.{DIGITS}g}"), low), high)


def _step_scale(space: Mapping[str, Any]) -> Callable[[float], Any]:
    """Return what makes the value nearest to a number's place in the range."""
    low, step, most = space["min"], space["step"], _steps(space)
    spread = _spread(low, space["max"], space.get("scale") == "log")
    return lambda unit: _stepped(space, min(round((spread(unit) - low) / step), most))


def _spread(low: float, top: float, is_log: bool) -> Callable[[float], float]:
    if not is_log:
        width = top - low
        return lambda unit: low + unit * width
    first, ratio = math.log(low), math.log(top) - math.log(low)
    return lambda unit: math.exp(first + unit * ratio)


def sobol(index: int, dimension: int) -> int:
    """Return 32 bits of a coordinate of the Sobol sequence, in Gray-code order, from index 0."""
    gray, found = index ^ (index >> 1), 0
    for number in _direction_numbers(dimension):
        if gray & 1:
            found ^= number
        gray >>= 1
        if not gray:
            break
    return found


@cache
def _direction_numbers(dimension: int) -> list[int]:
    """Return v_1 … v_32 of a dimension (Joe and Kuo's recurrence), as 32-bit fractions."""
    if dimension == 0:
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    degree, coefficients, initial = DIRECTIONS[dimension - 1]
    found = [value << (BITS - 1 - bit) for bit, value in enumerate(initial)]
    for bit in range(degree, BITS):
        number = found[bit - degree] ^ (found[bit - degree] >> degree)
        for term in range(1, degree):
            if coefficients >> (degree - 1 - term) & 1:
                number ^= found[bit - term]
        found.append(number)
    return found
