"""Plain scalars of the YAML 1.2 core schema (https://yaml.org/spec/1.2.2/#103-core-schema).

`no` is text, `1e-4` a float, `010` ten, `0o10` eight, `12:30` and `2026-01-05` are text.
"""

from __future__ import annotations

import math
import re
import sys

_SPECIAL: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMERIC = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_BOUND = 2**64
_DIGITS = 25
"""More significant digits than any integer below the bound has (and Python's int() may refuse)."""


class OutOfRangeError(ValueError):
    """A number that would become infinite, zero or an integer of more than 64 bits.

    `nearest` is a number within the range, for what compares it with others.
    """

    def __init__(self, message: str, nearest: float) -> None:
        super().__init__(message)
        self.nearest = nearest


def scalar(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar; raises OutOfRangeError for numbers out of range."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if text[0] not in _NUMERIC:
        return text
    if _INT.match(text):
        return _integer(text, 10)
    if _BASED.match(text):
        return _integer(text[2:], 8 if text[1] == "o" else 16)
    return _float(text) if _FLOAT.match(text) else text


def scalar_or_none(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar, None for numbers out of range as well."""
    try:
        return scalar(text)
    except OutOfRangeError:
        return None


def _integer(text: str, base: int) -> int:
    sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
    digits = digits.lstrip("0") or "0"
    value = int(sign + digits, base) if len(digits) <= _DIGITS else _BOUND
    if not -_BOUND < value < _BOUND:
        nearest = 1 - _BOUND if sign else _BOUND - 1
        raise OutOfRangeError("an integer of more than 64 bits", nearest)
    return value


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise OutOfRangeError("too large for a float", math.copysign(sys.float_info.max, value))
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise OutOfRangeError("too small for a float", math.copysign(sys.float_info.min, value))
    return value
