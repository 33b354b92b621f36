"""The list filter of Vertex AI (AIP-160): comparisons joined by AND, OR, NOT and parentheses.

A function such as `in_context("…")` is true of a resource whose field of that name has the value.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

from dagfactory.emulator.errors import ApiError

Test = Callable[[dict[str, Any]], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<punct>\(|\)|!=|<=|>=|=|<|>|:)"""
    r"""|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<word>[^\s()=!<>:"']+(?:(?<=\.)"[^"]*"[^\s()=!<>:"']*)*))"""
)
_PART = re.compile(r'"([^"]*)"|([^."]+)')
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda have, want: _wildcard(want).fullmatch(have) is not None,
    "!=": lambda have, want: _wildcard(want).fullmatch(have) is None,
    ":": lambda have, want: _wildcard(want).search(have) is not None,
    "<": lambda have, want: have < want,
    ">": lambda have, want: have > want,
    "<=": lambda have, want: have <= want,
    ">=": lambda have, want: have >= want,
}


def compile_filter(text: str) -> Test:
    """Return a predicate over a resource's JSON form (camelCase); raises INVALID_ARGUMENT.

    Fields may be written in snake_case or camelCase, nested with dots (`labels.team`).
    """
    if not text.strip():
        return lambda _resource: True
    parser = _Parser(_tokens(text), text)
    test = parser.either()
    parser.end()
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        if match is None:
            raise _invalid(text)
        kind = match.lastgroup or ""
        value = match[kind]
        quoted = kind in ("double", "single")
        tokens.append(("text" if quoted else kind, re.sub(r"\\(.)", r"\1", value)))
        at = match.end()
    return tokens


def _invalid(text: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", f"Invalid list filter: {text}")


class _Parser:
    """Recursive descent; in AIP-160 OR binds tighter than AND."""

    def __init__(self, tokens: list[tuple[str, str]], text: str) -> None:
        self._tokens, self._text = tokens, text

    def either(self) -> Test:
        tests = [self._alternatives()]
        while self._tokens and self._tokens[0] != ("punct", ")"):
            self._skip("AND")
            tests.append(self._alternatives())
        return lambda resource: all(test(resource) for test in tests)

    def end(self) -> None:
        if self._tokens:
            raise _invalid(self._text)

    def _alternatives(self) -> Test:
        tests = [self._factor()]
        while self._skip("OR"):
            tests.append(self._factor())
        return lambda resource: any(test(resource) for test in tests)

    def _factor(self) -> Test:
        if self._skip("NOT"):
            test = self._factor()
            return lambda resource: not test(resource)
        if self._tokens[:1] == [("punct", "(")]:
            self._next()
            test = self.either()
            if self._next() != ("punct", ")"):
                raise _invalid(self._text)
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        kind, field = self._next()
        sign = self._next()[1]
        called = sign == "("
        if kind != "word" or not (called or sign in _COMPARE):
            raise _invalid(self._text)
        value_type, value = self._next()
        if value_type == "punct" or (called and self._next() != ("punct", ")")):
            raise _invalid(self._text)
        return lambda resource: _holds(resource, field, ":" if called else sign, value)

    def _skip(self, word: str) -> bool:
        found = self._tokens[:1] == [("word", word)]
        if found:
            self._next()
        return found

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise _invalid(self._text)
        return self._tokens.pop(0)


def _holds(resource: dict[str, Any], field: str, sign: str, value: str) -> bool:
    have = _value(resource, field)
    if sign == ":" and isinstance(have, dict | list):
        return value in have or (value == "*" and bool(have))
    if have is None:
        return sign == "!="
    number = _number(value)
    if type(have) in (int, float) and number is not None and sign in _NUMBERS:
        return _NUMBERS[sign](have, number)
    text = str(have).lower() if isinstance(have, bool) else str(have)
    return _COMPARE[sign](text, value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _value(resource: Any, field: str) -> Any:
    for part in (quoted or plain for quoted, plain in _PART.findall(field)):
        if not isinstance(resource, dict):
            return None
        resource = resource.get(part, resource.get(_camel(part)))
    return resource


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _wildcard(value: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in value.split("*")), re.DOTALL)
