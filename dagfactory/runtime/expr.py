"""Gate expressions as data: lists that JSON can hold, evaluated without ``eval``, failing closed.

A node is a list whose first item is its kind::

    ["and", a, b, …]  ["or", a, b, …]  ["not", a]  ["cmp", left, operator, right]
    ["num", 0.9]  ["str", "x"]  ["bool", true]  ["metric", "accuracy"]  ["param", "threshold"]
    ["+", a, b]  ["-", a, b]  ["*", a, b]  ["/", a, b]  ["neg", a]
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Expression: TypeAlias = list[Any]
Value: TypeAlias = bool | int | float | str

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EQUALITIES: dict[str, Callable[[Any, Any], bool]] = {"==": operator.eq, "!=": operator.ne}
COMPARISONS = ORDERINGS | EQUALITIES
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
LITERALS = ("num", "str", "bool")
NAMED = ("metric", "param")


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a gate opens, and the sentence that says why; not `decided` where a value is no use."""

    passed: bool
    reason: str
    decided: bool = True


@dataclass(frozen=True, slots=True)
class Names:
    """The metrics and the params an expression reads, each once, in order of appearance."""

    metrics: tuple[str, ...]
    params: tuple[str, ...]


class _UndecidableError(Exception):
    """A value is missing, not finite or of the wrong type, so the gate does not pass."""


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The values an expression may read, and the comparisons made so far."""

    metrics: Mapping[str, Any]
    params: Mapping[str, Any]
    trace: list[str] | None


def evaluate(
    expression: Expression, metrics: Mapping[str, Any], params: Mapping[str, Any]
) -> Decision:
    """Decide a gate; every operand is read, so one bad value fails it wherever it stands.

    A missing, null, NaN or infinite value, a type mismatch, an overflow, a division by zero and a
    malformed expression all give ``passed=False`` with a reason that names the value.
    """
    trace: list[str] = []
    inputs = _Inputs(metrics, params, trace)
    try:
        passed = _truth(expression, inputs)
    except _UndecidableError as problem:
        return Decision(passed=False, reason=str(problem), decided=False)
    except RecursionError:  # nothing limits the depth of the data
        return Decision(passed=False, reason="the expression is nested too deeply", decided=False)
    return Decision(passed, "; ".join(trace) or f"the condition is {_show(passed)}")


def holds(expression: Expression, values: Mapping[str, Any]) -> bool:
    """Decide by values alone, without a reason; what cannot be decided does not hold."""
    try:
        return _truth(expression, _Inputs(values, {}, None))
    except (_UndecidableError, RecursionError):
        return False


def names(expression: Expression) -> Names:
    """List the metrics and params that an expression reads."""
    found = list(dict.fromkeys(_walk_names(expression)))
    return Names(
        metrics=tuple(name for kind, name in found if kind == "metric"),
        params=tuple(name for kind, name in found if kind == "param"),
    )


def render(expression: Expression) -> str:
    """Write an operand back as text, for reasons and logs: ``params.threshold * 2``."""
    match expression:
        case ["metric", str(name)]:
            return name
        case ["param", str(name)]:
            return f"params.{name}"
        case [("num" | "str" | "bool"), value]:
            return _show(value)
        case ["neg", inner]:
            return f"-{render(inner)}"
        case [("+" | "-" | "*" | "/") as sign, left, right]:
            return f"({render(left)} {sign} {render(right)})"
        case _:
            return repr(expression)


def _walk_names(expression: Any) -> Iterator[tuple[str, str]]:
    match expression:
        case [("metric" | "param") as kind, str(name)]:
            yield kind, name
        case list():
            for item in expression:
                yield from _walk_names(item)


def _truth(node: Any, inputs: _Inputs) -> bool:
    match node:
        case ["and", _, *_]:
            return False not in _truths(node[1:], inputs)
        case ["or", _, *_]:
            return True in _truths(node[1:], inputs)
        case ["not", child]:
            return not _truth(child, inputs)
        case ["cmp", left, sign, right]:
            return _compare(left, sign, right, inputs)
        case _:
            return _bool(node, inputs)


def _truths(nodes: list[Any], inputs: _Inputs) -> list[bool]:
    """Evaluate every node, also where the first one decides."""
    # With a short cut `accuracy > 0.9 or recall > 0.8` would pass while recall is NaN.
    return [_truth(node, inputs) for node in nodes]


def _bool(node: Any, inputs: _Inputs) -> bool:
    value = _value(node, inputs)
    if not isinstance(value, bool):
        raise _UndecidableError(
            f"{render(node)} is {_show(value)}, which is neither true nor false"
        )
    return value


def _compare(left: Any, sign: Any, right: Any, inputs: _Inputs) -> bool:
    if sign not in COMPARISONS:
        raise _UndecidableError(f"unknown comparison {sign!r}")
    first, second = _value(left, inputs), _value(right, inputs)
    kinds = {_kind(first), _kind(second)}
    if inputs.trace is None and _comparable(sign, kinds):
        return COMPARISONS[sign](first, second)
    text = f"{_explain(left, first)} {sign} {_explain(right, second)}"
    if len(kinds) > 1:
        raise _UndecidableError(f"{text} compares a {_kind(first)} with a {_kind(second)}")
    if sign in ORDERINGS and kinds != {"number"}:
        raise _UndecidableError(f"{text} needs numbers on both sides")
    # The types are equal here; otherwise `"1" != 1` would be true and open the gate.
    result = COMPARISONS[sign](first, second)
    if inputs.trace is not None:
        inputs.trace.append(f"{text} is {_show(result)}")
    return result


def _comparable(sign: str, kinds: set[str]) -> bool:
    return kinds == {"number"} or (len(kinds) == 1 and sign in EQUALITIES)


def _value(node: Any, inputs: _Inputs) -> Value:
    match node:
        case ["num" | "str" | "bool" as kind, value]:
            return _checked(value, f"the {kind} literal")
        case ["metric", str(name)]:
            return _named(inputs.metrics, name, f"metric {name}")
        case ["param", str(name)]:
            return _named(inputs.params, name, f"param {name}")
        case ["neg", child]:
            return _arithmetic("-", 0, _number(child, inputs), node)
        case [("+" | "-" | "*" | "/") as sign, left, right]:
            return _arithmetic(sign, _number(left, inputs), _number(right, inputs), node)
        case ["and" | "or", _, *_] | ["not", _] | ["cmp", _, _, _]:
            return _truth(node, inputs)
        case _:
            raise _UndecidableError(f"unknown expression {node!r}")


def _named(values: Mapping[str, Any], name: str, label: str) -> Value:
    if name not in values:
        raise _UndecidableError(f"{label} is missing")
    return _checked(values[name], label)


def _checked(value: Any, label: str) -> Value:
    if value is None:
        raise _UndecidableError(f"{label} is null")
    if isinstance(value, float) and not math.isfinite(value):  # NaN fails `>` and passes `!=`
        raise _UndecidableError(f"{label} is {value}, not a finite number")
    if not isinstance(value, bool | int | float | str):
        raise _UndecidableError(f"{label} is a {type(value).__name__}, not a number, text or flag")
    return value


def _number(node: Any, inputs: _Inputs) -> float:
    value = _value(node, inputs)
    if isinstance(value, bool | str):  # Python's bool is an int
        raise _UndecidableError(f"{render(node)} is {_show(value)}, not a number")
    return value


def _arithmetic(sign: str, left: float, right: float, node: Any) -> Value:
    try:
        result = ARITHMETIC[sign](left, right)
    except ZeroDivisionError:
        raise _UndecidableError(f"{render(node)} divides by zero") from None
    except OverflowError:
        raise _UndecidableError(f"{render(node)} overflows") from None
    return _checked(result, render(node))  # finite operands can have an infinite product


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "flag"
    return "text" if isinstance(value, str) else "number"


def _explain(node: Any, value: Value) -> str:
    shown = _show(value)
    text = render(node)
    return shown if node[0] in LITERALS else f"{text} ({shown})"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else repr(value)
