"""A hyperparameter of a W&B sweep as one of ours: its distribution, and the range or the values it means.

Read from W&B's own engine (PyPI `sweeps` 0.3.0, 2026-11-30): config/schema.json, params.py, grid_search.py.
`benchmarks/wandb_law.py` compares the two, draw by draw.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

NESTED = "parameters"
MOST_VALUES = 1000
"""So many values of a range are written out for a grid."""

_RANGE, _STEPS, _NORMAL, _BETA = "min max", "min max q", "mu sigma", "a b"
_KEYS = {
    "constant": "value",
    "categorical": "values",
    "categorical_w_probabilities": "values probabilities",
    "uniform": _RANGE,
    "int_uniform": _RANGE,
    "log_uniform": _RANGE,
    "log_uniform_values": _RANGE,
    "inv_log_uniform": _RANGE,
    "inv_log_uniform_values": _RANGE,
    "q_uniform": _STEPS,
    "q_log_uniform": _STEPS,
    "q_log_uniform_values": _STEPS,
    "normal": _NORMAL,
    "log_normal": _NORMAL,
    "q_normal": f"{_NORMAL} q",
    "q_log_normal": f"{_NORMAL} q",
    "beta": _BETA,
    "q_beta": f"{_BETA} q",
}
"""The distributions and what each is defined by."""

_OPTIONAL = frozenset(["q", "mu", "sigma", "a", "b"])
_NUMBERS = frozenset(["min", "max", "q", "mu", "sigma", "a", "b"])
_STEP = "e to the power of the ends is no multiple of `q`", "list the numbers as `values`"
_TAILS = (
    "a range here has two ends",
    "write `min` and `max`, for example three sigma around the mean",
)
REFUSED = {
    "categorical_w_probabilities": (
        "values with weights have no equivalent",
        "delete `probabilities`: every value is then drawn as often",
    ),
    "q_log_uniform": _STEP,
    "normal": _TAILS,
    "log_normal": _TAILS,
    "q_normal": _TAILS,
    "q_log_normal": _TAILS,
    "beta": ("no range here is drawn from like this", "write it as a `uniform` range"),
    "q_beta": ("no range here is drawn from like this", "write it as a `uniform` range"),
}
"""The distributions that a sweep has no equivalent for: why, and what to write instead."""

_GRID = frozenset({"constant", "categorical", "int_uniform", "q_uniform"})
_PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_NEAR = 1e-9
"""A difference that only the binary form of a number makes."""
_LARGEST = 700.0
"""An exponent of e whose power a float still holds."""
_HIGH = 30
"""An exponent of e that nobody means: ten thousand billion."""


class UnfitError(Exception):
    """A definition that cannot become one of ours: the key at fault, why, and what to write.

    With `broken` W&B's own engine refuses it too.
    """

    def __init__(
        self, key: str, reason: str, remedy: str | None = None, *, broken: bool = False
    ) -> None:
        super().__init__(reason)
        self.key = key
        self.reason = reason
        self.remedy = remedy
        self.broken = broken


class Parameter(NamedTuple):
    """What a definition means: one value, a list of values or a range, and what to say of it.

    `doubt` is what W&B does with it that its author hardly meant.
    """

    constant: Any = None
    values: list[Any] | None = None
    range: dict[str, Any] | None = None
    form: str | None = None
    doubt: str | None = None


def parameter(definition: Mapping[str, Any], *, grid: bool = False) -> Parameter:
    """Return what a definition means to W&B; raises UnfitError where a sweep cannot do the same."""
    name = distribution(definition)
    _check_keys(name, definition)
    numbers = {key: number(key, definition[key]) for key in _NUMBERS & definition.keys()}
    if "min" in numbers and numbers["min"] >= numbers["max"]:
        raise UnfitError("min", "it is not below `max`", "swap them", broken=True)
    if numbers.get("q", 1) <= 0:
        raise UnfitError("q", "it is not above 0", "write a step", broken=True)
    if grid:
        return _in_grid(name, definition, numbers)
    if name in REFUSED:
        raise UnfitError(_place(name, definition), *_because(name))
    if name in _LISTED:
        return _LISTED[name](definition)
    return _RANGES[name](numbers)


def distribution(definition: Mapping[str, Any]) -> str:
    """Return the distribution that a definition names, or that W&B infers from its keys."""
    if "distribution" in definition:
        return _known(definition["distribution"])
    for key, name in (("value", "constant"), ("probabilities", "categorical_w_probabilities")):
        if key in definition:
            return name
    if "values" in definition:
        return "categorical"
    ends = [definition[key] for key in ("min", "max") if key in definition]
    if not ends:
        raise UnfitError("", "it says no values", "write `values`, or `min` and `max`", broken=True)
    return "int_uniform" if all(type(each) is int for each in ends) else "uniform"


def _known(name: Any) -> str:
    if name not in _KEYS:
        from dagfactory.diagnostics.wording import did_you_mean, shorten

        near = did_you_mean(str(name), _KEYS, "distributions of W&B")
        message = f"`{shorten(str(name))}` is not a distribution"
        raise UnfitError("distribution", message, near, broken=True)
    return str(name)


def _check_keys(name: str, definition: Mapping[str, Any]) -> None:
    """Raise for keys that W&B's schema does not have at this distribution, or that it misses."""
    allowed = _KEYS[name].split()
    for key in definition:
        if key not in {*allowed, "distribution"}:
            remedy = f"it has {' and '.join(f'`{each}`' for each in allowed)}"
            raise UnfitError(key, f"it has no place in `{name}`", remedy, broken=True)
    for key in allowed:
        if key not in definition and key not in _OPTIONAL:
            raise UnfitError("", f"`{name}` lacks `{key}`", f"add `{key}`", broken=True)
    values = definition.get("values")
    if "values" in allowed and not (isinstance(values, list) and values):
        raise UnfitError("values", "it is not a list of values", "write `[a, b]`", broken=True)


def number(key: str, value: Any) -> int | float:
    """Return a number, also one that YAML 1.1 reads as text (`1e-5`)."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        return float(value)
    raise UnfitError(key, "it is not a number", "write a number", broken=True)


def _because(name: str) -> tuple[str, str]:
    reason, remedy = REFUSED[name]
    return f"`{name}`: {reason}", remedy


def _place(name: str, definition: Mapping[str, Any]) -> str:
    return "distribution" if "distribution" in definition else _KEYS[name].split()[-1]


def _in_grid(
    name: str, definition: Mapping[str, Any], numbers: Mapping[str, int | float]
) -> Parameter:
    """Return what a grid runs over: values, and those of ranges that can be counted."""
    if name not in _GRID:
        remedy = "write `values`, or use `method: random`"
        message = f"a grid cannot count `{name}`"
        raise UnfitError(_place(name, definition), message, remedy, broken=True)
    if name in _LISTED:
        return _LISTED[name](definition)
    if name == "int_uniform":
        numbers = {**(_whole(numbers).range or {}), "q": 1}
    low, high, step = numbers["min"], numbers["max"], numbers.get("q", 1.0)
    # as numpy.arange counts, whose end is left out
    count = high - low + 1 if name == "int_uniform" else (high - low) / step
    if count > MOST_VALUES:
        message = f"a grid of {count:,.0f} values is not written out"
        raise UnfitError("max", message, "use `method: random`")
    listed = [low + step * place for place in range(math.ceil(count))]
    return Parameter(values=listed, form=f"`{name}` in a grid is the list of its values")


def _constant(definition: Mapping[str, Any]) -> Parameter:
    return Parameter(constant=definition["value"])


def _values(definition: Mapping[str, Any]) -> Parameter:
    return Parameter(values=definition["values"])


_LISTED: dict[str, Callable[[Mapping[str, Any]], Parameter]] = {
    "constant": _constant,
    "categorical": _values,
}


def _whole(numbers: Mapping[str, int | float]) -> Parameter:
    for key in ("min", "max"):
        if not float(numbers[key]).is_integer():
            raise UnfitError(key, "`int_uniform` is of whole numbers", "round it", broken=True)
    return Parameter(range={key: int(numbers[key]) for key in ("min", "max")})


def _uniform(numbers: Mapping[str, int | float]) -> Parameter:
    return Parameter(range={key: float(numbers[key]) for key in ("min", "max")})


def off_step(ends: Mapping[str, int | float], step: float) -> str | None:
    """Return which end, `min` or `max`, is not a multiple of a step; None where both are."""
    for key in ("min", "max"):
        # 0.3 / 0.1 is a little below 3
        count = ends[key] / step
        if math.isinf(count) or abs(count - round(count)) > _NEAR * max(1, abs(count)):
            return key
    return None


def _stepped(numbers: Mapping[str, int | float]) -> Parameter:
    """Return a range with steps; W&B counts them from 0 and leaves the range where an end is none."""
    step = numbers.get("q", 1.0)
    key = off_step(numbers, step)
    if key:
        message = f"it is not a multiple of `q`, {step:g}: W&B's steps begin at 0, ours at `min`"
        raise UnfitError(key, message, "change it to one, or list the numbers as `values`")
    # its numbers are whole where `q` is; where there is none, it is 1.0
    kind = int if isinstance(step, int) else float
    ends = {key: kind(round(numbers[key], 12)) for key in ("min", "max")}
    return Parameter(range={**ends, "step": step})


def _log_stepped(numbers: Mapping[str, int | float]) -> Parameter:
    _log_values(numbers)
    found = _stepped(numbers)
    return found._replace(range={**(found.range or {}), "scale": "log"})


def _log_values(numbers: Mapping[str, int | float]) -> Parameter:
    if numbers["min"] <= 0:
        raise UnfitError("min", "a logarithmic range begins above 0", "write 0.0001", broken=True)
    return Parameter(range=_log(float(numbers["min"]), float(numbers["max"])))


def _inverse_values(numbers: Mapping[str, int | float]) -> Parameter:
    form = "the inverse of a log-uniform value is log-uniform: the same law"
    return _log_values(numbers)._replace(form=form)


def _exponents(numbers: Mapping[str, int | float]) -> Parameter:
    low, high = numbers["min"], numbers["max"]
    return _powers(low, high, "log_uniform", doubtful=_like_values(numbers))


def _inverse_exponents(numbers: Mapping[str, int | float]) -> Parameter:
    low, high = -numbers["max"], -numbers["min"]
    return _powers(low, high, "inv_log_uniform", doubtful=_like_values(numbers))


def _like_values(numbers: Mapping[str, int | float]) -> bool:
    """Whether the exponents look like values: 1e-5 to 1e-1, or 16 to 256."""
    return numbers["min"] > 0 and (numbers["max"] <= 1 or numbers["max"] > _HIGH)


def _powers(low: float, high: float, name: str, *, doubtful: bool) -> Parameter:
    """Return the range between two exponents of e."""
    if max(abs(low), abs(high)) > _LARGEST:
        message = f"`{name}` takes exponents of e, and e to the power of {high:g} is no number"
        raise UnfitError("max", message, f"write `{name}_values`")
    made = _log(math.exp(low), math.exp(high))
    meaning = f"`{name}` takes exponents of e: it means {made['min']:.6g} to {made['max']:.6g}"
    if doubtful:
        return Parameter(range=made, doubt=f"{meaning}; was `{name}_values` meant?")
    return Parameter(range=made, form=meaning)


def _log(low: float, high: float) -> dict[str, Any]:
    return {"min": low, "max": high, "scale": "log"}


_RANGES: dict[str, Callable[[Mapping[str, int | float]], Parameter]] = {
    "uniform": _uniform,
    "int_uniform": _whole,
    "q_uniform": _stepped,
    "log_uniform": _exponents,
    "log_uniform_values": _log_values,
    "inv_log_uniform": _inverse_exponents,
    "inv_log_uniform_values": _inverse_values,
    "q_log_uniform_values": _log_stepped,
}
