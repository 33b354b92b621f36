"""Values as Python text: the only way a value reaches a rendered file.

`literal` gives text that evaluates to exactly the value; `fit` lays it out so that `ruff format`
leaves it alone (88 columns, double quotes, one element a line with a trailing comma when split).
"""

from __future__ import annotations

import keyword
import math
import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from dagfactory.dagfile.model import Call, Indices, Variable

WIDTH = 88
_COMMENT = re.compile(r"[A-Za-z0-9_./:+-]*( [A-Za-z0-9_./:+-]+)*")


class Code(Markup):
    """Python source that the generator itself wrote: the only text that is not quoted."""


@lru_cache(maxsize=4096)
def identifier(name: str) -> Code:
    """Return `name` as code; raises ValueError unless it is a plain ASCII identifier."""
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise ValueError(f"not a safe identifier: {name!r}")
    return Code(name)


def dotted(name: str) -> Code:
    """Return a dotted module path as code; raises ValueError unless every part is an identifier."""
    return Code(".".join(identifier(part) for part in name.split(".")))


def comment(text: str) -> Code:
    """Return text that is safe inside a comment; raises ValueError on any other character."""
    if not _COMMENT.fullmatch(text):
        raise ValueError(f"not safe in a comment: {text!r}")
    return Code(text)


def literal(value: Any) -> str:
    """Return one line of Python that evaluates to `value`; raises TypeError when there is none."""
    match value:
        case None | bool() | int():
            return repr(value)
        case float():
            # `nan` and `inf` alone are names that a DAG file does not have
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        case str():
            return _string(value)
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case tuple():
            return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
        case dict():
            return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
        case Call() | Indices() | Variable():
            return _call(value)
    raise TypeError(f"no Python literal for {type(value).__name__}")


def fit(value: Any, indent: int, prefix: str = "") -> str:
    """Return the value after `prefix` on a line indented by `indent`, split when it does not fit."""
    return layout(value, indent, indent + len(prefix), 1)


def layout(value: Any, indent: int, column: int, reserve: int) -> str:
    """Lay out a value whose line is indented by `indent` and which starts at `column`."""
    flat = literal(value)
    # the formatter counts columns, of which a character beyond ASCII may take two or none
    if len(flat) + column + reserve <= WIDTH and flat.isascii():
        return flat
    match value:
        case str() if "\n" in value and sum(map(str.isascii, flat)) + column > WIDTH:
            return _paragraph(value, indent)
        case list() if value:
            return _split("[", [("", item) for item in value], "]", indent)
        case tuple() if value:
            return _split("(", [("", item) for item in value], ")", indent)
        case dict() if value:
            return _split("{", [(f"{literal(k)}: ", v) for k, v in value.items()], "}", indent)
        case Call() if value.arguments or value.positional:
            pairs = [("", item) for item in value.positional]
            pairs += [(f"{identifier(k)}=", v) for k, v in value.arguments.items()]
            return _split(f"{identifier(value.symbol.local)}(", pairs, ")", indent)
    return flat


def _split(opening: str, pairs: list[tuple[str, Any]], closing: str, indent: int) -> str:
    """Lay out one element a line, each with a trailing comma."""
    inner = indent + 4
    rows = [
        f"{' ' * inner}{prefix}{layout(item, inner, inner + len(prefix), 1)},"
        for prefix, item in pairs
    ]
    return "\n".join([opening, *rows, " " * indent + closing])


def _paragraph(text: str, indent: int) -> str:
    """Lay out a text of several lines as adjacent literals, one a line."""
    pad = " " * (indent + 4)
    rows = [pad + _string(line) for line in re.split(r"(?<=\n)", text) if line]
    return "\n".join(["(", *rows, " " * indent + ")"])


def _string(text: str) -> str:
    """Quote a string as the formatter would: double quotes unless that needs more escapes."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    quote = "'" if text.count('"') > text.count("'") else '"'
    # a text of lines, as most that are long: not a call for each of its characters
    if text.replace("\n", "").isprintable():
        escaped = text.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")
        return f"{quote}{escaped}{quote}"
    return quote + "".join(_character(character, quote) for character in text) + quote


def _character(character: str, quote: str) -> str:
    """Escape one character: quotes, backslashes and everything that does not print."""
    if character in (quote, "\\"):
        return "\\" + character
    return character if character.isprintable() else ascii(character)[1:-1]


def _call(value: Call | Indices | Variable) -> str:
    """Write a call of an imported name, or the name of another operator, on one line."""
    if isinstance(value, Variable):
        return identifier(value.name) + (".output" if value.output else "")
    if isinstance(value, Indices):
        return f"list(range({value.count:d}))"
    parts = [literal(item) for item in value.positional]
    parts += [f"{identifier(k)}={literal(v)}" for k, v in value.arguments.items()]
    return f"{identifier(value.symbol.local)}({', '.join(parts)})"
