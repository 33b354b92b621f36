"""Conditions of gates and sweeps: one line of text to the data that ``runtime.expr`` evaluates.

Python's own grammar is used for reading, nothing is ever executed: numbers, text, ``true``,
``false``, metric names, ``params.x``, ``metrics["a/b"]``, ``+ - * /``, comparisons, ``and or not``.
Of several files of metrics each has a name: ``new.accuracy``, ``old["a/b"]``.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Collection, Sequence
from typing import Any

from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.runtime.expr import ARITHMETIC, Expression, Names, names

__all__ = ["Expression", "GateSyntaxError", "Names", "names", "parse"]

MAX_LENGTH = 2000
MAX_DEPTH = 40
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
CONSTANTS = {"true": True, "false": False}
KINDS = {"num": "number", "str": "text", "neg": "number", "metric": "any", "param": "any"}
FOREIGN = {
    "&&": "and",
    "||": "or",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "!": "not",
    "=": "==",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
}
REFERENCE = re.compile(r"\$\{\s*(params\.\w+)\s*\}")
PERCENT = "write a percentage as a fraction: 0.9 instead of 90 %"


class GateSyntaxError(ValueError):
    """A gate condition that cannot be read; offsets count characters of the text, end exclusive."""

    def __init__(self, message: str, start: int, end: int, help_text: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.help = help_text


def parse(text: str, subject: str = "metrics", sources: Collection[str] = ()) -> Expression:
    """Read a condition; raise GateSyntaxError with the place of the first mistake.

    Names in it are metrics or, in a sweep, `parameters`: theirs may have dots, `model.width`.
    With `sources` every metric stands behind the name of its source, as in `new.accuracy`.
    """
    if len(text) > MAX_LENGTH:
        raise GateSyntaxError(f"a condition has at most {MAX_LENGTH} characters", 0, len(text))
    flat = "".join(" " if char in "\r\n\t\f\v" else char for char in text)
    start = len(flat) - len(flat.lstrip(" "))
    reader = _Reader(flat.strip(" "), start, subject, sources)
    try:
        expression = reader.condition(reader.tree())
        deep = _depth(expression) > MAX_DEPTH
    except (RecursionError, MemoryError):
        deep = True
    if deep:
        raise GateSyntaxError("the condition is nested too deeply", start, start + len(reader.text))
    return expression


class _Reader:
    """Turn the syntax tree of one condition into data."""

    def __init__(self, text: str, shift: int, subject: str, sources: Collection[str]) -> None:
        self.text = text
        self.shift = shift
        self.subject = subject
        self.reserved = ("params", subject)
        self.sources = sources

    def tree(self) -> ast.expr:
        if not self.text:
            raise GateSyntaxError("the condition is empty", 0, max(1, self.shift))
        self._refuse_foreign()
        try:
            return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            raise self._syntax(error) from None
        except ValueError as error:  # a null byte, or a number of thousands of digits
            end = self.shift + len(self.text)
            raise GateSyntaxError(
                f"the condition cannot be read: {error}", self.shift, end
            ) from None

    def condition(self, node: ast.expr) -> Expression:
        """Read a node that must be true or false."""
        expression = self.node(node)
        kind = _kind(expression)
        if kind in ("number", "text"):
            help_text = "compare it with something, for example `accuracy >= 0.9`"
            raise self._error(node, f"a {kind} is neither true nor false", help_text)
        return expression

    def node(self, node: ast.expr) -> Expression:
        match node:
            case ast.BoolOp(op=op, values=values):
                word = "and" if isinstance(op, ast.And) else "or"
                return [word, *(self.condition(value) for value in values)]
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ["not", self.condition(operand)]
            case ast.Compare(left=left, ops=ops, comparators=right):
                return self._chain(node, [left, *right], ops)
            case _:
                return self._operand(node)

    def _operand(self, node: ast.expr) -> Expression:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return ["neg", self._number(operand)]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return [OPERATORS[type(op)], self._number(left), self._number(right)]
            case ast.Constant(value=value):
                return self._constant(node, value)
            case ast.Name(id=name):
                return self._name(node, name)
            case _:
                return self._qualified(node)

    def _qualified(self, node: ast.expr) -> Expression:
        match node:
            case (
                ast.Attribute(value=ast.Name(id=scope), attr=name)
                | ast.Subscript(value=ast.Name(id=scope), slice=ast.Constant(value=str(name)))
            ):
                return self._scoped(node, scope, name)
            case ast.Attribute() if self.subject == "parameters" and _is_dotted(node):
                return ["metric", ast.unparse(node)]
            case _:
                raise self._unsupported(node)

    def _scoped(self, node: ast.expr, scope: str, name: str) -> Expression:
        """Read `params.x`, `metrics["a/b"]`, or a metric behind the name of its source."""
        if scope == "params" or (scope in self.reserved and not self.sources):
            return ["param" if scope == "params" else "metric", name]
        if self.subject == "parameters" and isinstance(node, ast.Attribute):
            return ["metric", ast.unparse(node)]
        if not self.sources:
            raise self._unsupported(node)
        if scope not in self.sources:
            help_text = did_you_mean(scope, self.sources, "this gate has")
            raise self._error(node, f"`{scope}` is not a source of this gate", help_text)
        return ["metric", f"{scope}.{name}"]

    def _chain(self, node: ast.expr, parts: list[ast.expr], ops: Sequence[ast.cmpop]) -> Expression:
        signs = [self._sign(node, op) for op in ops]
        values = [self.node(part) for part in parts]
        links = [
            ["cmp", left, sign, right]
            for left, sign, right in zip(values[:-1], signs, values[1:], strict=True)
        ]
        for link, right in zip(links, parts[1:], strict=True):
            self._check_kinds(right, link)
        return links[0] if len(links) == 1 else ["and", *links]

    def _sign(self, node: ast.expr, op: ast.cmpop) -> str:
        if type(op) in COMPARISONS:
            return COMPARISONS[type(op)]
        word = {ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}[type(op)]
        raise self._error(node, f"`{word}` is not supported", "use < <= > >= == or !=")

    def _check_kinds(self, node: ast.expr, link: Expression) -> None:
        _, left, sign, right = link
        kinds = {_kind(left), _kind(right)} - {"any"}
        if len(kinds) > 1:
            first, second = _kind(left), _kind(right)
            raise self._error(node, f"a {first} is compared with a {second}")
        if sign not in ("==", "!=") and kinds & {"text", "flag"}:
            raise self._error(node, f"`{sign}` needs numbers on both sides")

    def _number(self, node: ast.expr) -> Expression:
        expression = self.node(node)
        kind = _kind(expression)
        if kind not in ("number", "any"):
            raise self._error(node, f"arithmetic needs numbers, this is a {kind}")
        return expression

    def _constant(self, node: ast.expr, value: Any) -> Expression:
        if isinstance(value, bool):
            return ["bool", value]
        if isinstance(value, str):
            return ["str", value]
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return ["num", value]
        raise self._error(node, f"{self._source(node)} is not a finite number, text or true/false")

    def _name(self, node: ast.expr, name: str) -> Expression:
        if name in CONSTANTS:
            return ["bool", CONSTANTS[name]]
        if name in self.reserved:
            raise self._error(node, f"`{name}` needs a name after it", f"write `{name}.NAME`")
        if name in self.sources:
            raise self._error(node, f"`{name}` is a source", f"write `{name}.METRIC`")
        if self.sources:
            which = " or ".join(f"`{each}.{name}`" for each in self.sources)
            raise self._error(node, f"`{name}` is of no source", f"write {which}")
        return ["metric", name]

    def _unsupported(self, node: ast.expr) -> GateSyntaxError:
        known = "metrics, params.x" if self.subject == "metrics" else self.subject
        help_text = f"a condition holds {known}, numbers, text, + - * /, comparisons, and, or, not"
        is_percent = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
        if is_percent and self.subject == "metrics":
            help_text = PERCENT
        if isinstance(node, ast.Attribute):
            help_text = 'only params.NAME has a dot; write metrics["a.b"] for a metric with one'
        return self._error(node, f"{self._source(node)} is not supported", help_text)

    def _refuse_foreign(self) -> None:
        reference = REFERENCE.search(self.text)
        if reference:
            start, end = (self.shift + each for each in reference.span())
            message = f"`{reference[0]}` is not a part of a condition"
            raise GateSyntaxError(message, start, end, f"write `{reference[1]}`")
        for start, sign in _foreign(self.text):
            place = self.shift + start
            message = f"`{sign}` is not an operator here"
            raise GateSyntaxError(message, place, place + len(sign), f"write `{FOREIGN[sign]}`")

    def _syntax(self, error: SyntaxError) -> GateSyntaxError:
        start = self.shift + max(0, (error.offset or 1) - 1)
        end = self.shift + max(0, (error.end_offset or 0) - 1)
        return GateSyntaxError(
            f"the condition cannot be read: {error.msg}",
            start,
            max(end, start + 1),
            PERCENT if "%" in self.text else None,
        )

    def _error(self, node: ast.expr, message: str, help_text: str | None = None) -> GateSyntaxError:
        start, end = self._characters(node.col_offset), self._characters(node.end_col_offset)
        return GateSyntaxError(message, start, end, help_text)

    def _characters(self, offset: int | None) -> int:
        """Turn the tree's UTF-8 byte offset into characters of the original text."""
        return self.shift + len(self.text.encode()[: offset or 0].decode(errors="ignore"))

    def _source(self, node: ast.expr) -> str:
        return f"`{ast.get_source_segment(self.text, node) or self.text}`"


def _is_dotted(node: ast.expr) -> bool:
    """Whether a node is names with dots between them."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _foreign(text: str) -> list[tuple[int, str]]:
    """Find operators of other languages outside quoted text, with their offsets."""
    found, quote = [], ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif sign := _foreign_at(text, at):
            found.append((at, sign))
    return found


def _foreign_at(text: str, at: int) -> str | None:
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at : at + 2] in FOREIGN and before not in ("<", ">", "!", "="):
        return text[at : at + 2]
    if text[at] == "!" and after != "=":
        return "!"
    if text[at] == "=" and after != "=" and before not in ("<", ">", "!", "=", ":"):
        return "="
    return text[at] if text[at] in "≥≤≠" else None


def _depth(expression: Any) -> int:
    if not isinstance(expression, list):
        return 0
    return 1 + max(map(_depth, expression), default=0)


def _kind(expression: Expression) -> str:
    head = expression[0]
    return "number" if head in ARITHMETIC else KINDS.get(head, "flag")
