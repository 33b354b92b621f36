"""Conditions of tasks: the part of CEL that compiled pipelines use, over typed parameters."""

import json
import operator
import re
from collections.abc import Callable
from typing import Any

from dagfactory.emulator.pipelines.values import PipelineError, Tree

DEEPEST = 50
_TOKEN = re.compile(
    r"\s*(?:(?P<input>inputs\.parameter_values\[\s*(?:'[^']*'|\"[^\"]*\")\s*\])"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
    r"|(?P<word>true|false|null|int|double|string)\b|(?P<sign>&&|\|\||[=!<>]=|[<>!()]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
}
_LITERALS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_CASTS: dict[str, Callable[[Any], Any]] = {"int": int, "double": float, "string": str}


def holds(text: str, parameters: Tree) -> bool:
    """Return what a condition says; raises PipelineError for one that is none."""
    parser = _Parser(text, parameters)
    result = parser.either(0)
    if parser.peek() or not isinstance(result, bool):
        raise PipelineError(f"Condition {text!r} is not a comparison of parameters.")
    return result


def _tokens(text: str) -> list[str]:
    text, found, at = text.rstrip(), [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise PipelineError(f"Condition {text!r} is not in the part of CEL that is served.")
        found.append(match[match.lastgroup or 0])
        at = match.end()
    return found


class _Parser:
    """Recursive descent that evaluates as it reads."""

    def __init__(self, text: str, parameters: Tree) -> None:
        self._text, self._parameters = text, parameters
        self._left = _tokens(text)[::-1]

    def peek(self) -> str:
        return self._left[-1] if self._left else ""

    def either(self, depth: int) -> Any:
        value = self._both(depth)
        while self._take("||"):
            value = self._both(depth) or value
        return value

    def _both(self, depth: int) -> Any:
        value = self._comparison(depth)
        while self._take("&&"):
            value = self._comparison(depth) and value
        return value

    def _comparison(self, depth: int) -> Any:
        left = self._single(depth)
        if self.peek() not in _COMPARE:
            return left
        compare, right = _COMPARE[self._left.pop()], self._single(depth)
        if _kind(left) != _kind(right):
            # CEL knows no comparison of a number with a text
            raise PipelineError(f"Condition {self._text!r} compares values of different types.")
        return compare(left, right)

    def _single(self, depth: int) -> Any:
        if depth > DEEPEST or not self._left:
            raise PipelineError(f"Condition {self._text[:100]!r} is not complete or too deep.")
        word = self._left.pop()
        if word == "!":
            return not self._single(depth + 1)
        if word == "(" or word in _CASTS:
            return self._enclosed(word, depth)
        return _LITERALS[word] if word in _LITERALS else self._leaf(word)

    def _enclosed(self, word: str, depth: int) -> Any:
        opened = word == "(" or self._take("(")
        value = self.either(depth + 1)
        if not opened or not self._take(")"):
            raise PipelineError(f"A parenthesis is missing in condition {self._text!r}.")
        try:
            return _CASTS[word](value) if word in _CASTS else value
        except (TypeError, ValueError):
            raise PipelineError(f"{value!r} is not a value for {word}().") from None

    def _leaf(self, word: str) -> Any:
        if word.startswith("inputs."):
            return self._parameter(word[word.index("[") + 1 : -1].strip()[1:-1])
        if word[0] in "'\"":
            return re.sub(r"\\(.)", lambda each: _ESCAPES.get(each[1], each[1]), word[1:-1])
        try:
            return json.loads(word)
        except ValueError:
            raise PipelineError(f"{word!r} is not expected in condition {self._text!r}.") from None

    def _parameter(self, name: str) -> Any:
        if name not in self._parameters:
            raise PipelineError(f"Condition {self._text!r} names {name!r}, which is no input.")
        return self._parameters[name]

    def _take(self, word: str) -> bool:
        if self.peek() != word:
            return False
        self._left.pop()
        return True


def _kind(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__
