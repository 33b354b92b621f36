"""Names of values, types and bounds as they appear in messages."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath
from dagfactory.diagnostics.wording import listing, shorten
from dagfactory.document.node import Node
from dagfactory.document.yaml12 import scalar_or_none

_COMPARES = re.compile(r"[=!<>]=|^[\w. ()*/+-]+[<>] ?[\d.]+$")
EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "string_type": "text",
    "bool_type": "`true` or `false`",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "nothing",
    "wrong_type": "another type",
}
"""Error types of pydantic that say "another type is needed", with what is needed."""

_BARE = re.compile(r"[\w$/.@~+-][^\s,:#\[\]{}\"']*")
"""A text that needs no quotes inside a list."""

_FLOW = 60

_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "finite",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "string_pattern_mismatch": "text that matches {pattern}",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A code with its message and help."""

    code: str
    message: str
    help: str | None = None


def alternatives(options: Collection[str]) -> str:
    """Return the types a value may have as a list with a final `or`."""
    # `int | float` has both as alternatives, and a whole number is a number
    wide = {"a whole number"} if "a number" in options else set()
    *head, last = [each for each in options if each not in wide]
    return f"{', '.join(head)} or {last}" if head else last


def unlike(value: Any) -> str:
    """Return the end of a message about what is needed instead of a value."""
    return ", but is empty" if value is None else f", not {describe(value)}"


def bound(kind: str, context: Mapping[str, Any]) -> str | None:
    """Return what a value out of bounds must be, or None for other kinds of error."""
    template = _BOUNDS.get(kind)
    return template.format(**context) if template else None


def quoted_choices(context: Mapping[str, Any]) -> list[str]:
    """Return the choices that the context of a pydantic error lists: 'a', 'b' or 'c'."""
    # the error of a Literal has them in a sentence and nowhere else
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def describe(value: Any) -> str:
    """Return a value as a message names it."""
    if value is None:
        return "nothing"
    # before numbers, for True is an int
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return f"the text `{shorten(str(value))}`" if value else "an empty text"


def name_of(path: KeyPath) -> str:
    """Return the name of a place: its key, or the number of an item and the key of its list."""
    if not path:
        return "the document"
    if isinstance(path[-1], str):
        return f"`{shorten(path[-1])}`"
    above = f" of {name_of(path[:-1])}" if len(path) > 1 else ""
    return f"item {path[-1] + 1}{above}"


def type_help(options: Collection[str], node: Node | None, keys: list[str]) -> str | None:
    """Return how to repair a value of the wrong type, where that can be told."""
    value = node.value if node else None
    if isinstance(value, str):
        return _text_help(options, value, quoted=bool(node and node.quoted))
    if "a list" in options and not isinstance(value, dict | tuple) and value is not None:
        return f"write it as a list: `[{_plain(value)}]`"
    if "text" in options and node and isinstance(value, bool | int | float):
        # as it was written: 10 came from `010`, which may be a postcode
        return f'quote it: `"{node.raw or _plain(value)}"`'
    return _mapping_help(options, keys)


def _mapping_help(options: Collection[str], keys: list[str]) -> str | None:
    return f"allowed keys: {listing(keys)}" if "a mapping" in options and keys else None


def _text_help(options: Collection[str], text: str, *, quoted: bool) -> str | None:
    numbers = {"a whole number", "a number"} & set(options)
    if numbers or "`true` or `false`" in options:
        if "{{" in text or "${" in text:
            return "this is needed when rendering; a template or output is known only at run time"
        if quoted and isinstance(scalar_or_none(text), int | float):
            return "remove the quotes"
    # `1_000` is a number in Python and in YAML 1.1, in 1.2 it is text
    if numbers and text.replace("_", "").isdecimal():
        return f"write `{text.replace('_', '')}`"
    # these are booleans in YAML 1.1, which other tools read, and text in 1.2
    if "`true` or `false`" in options and text.lower() in {"yes", "on", "no", "off", "y", "n"}:
        return f"write `{'true' if text.lower() in {'yes', 'on', 'y'} else 'false'}`"
    return f"write it as a list: `{flow(_words(text))}`" if "a list" in options else None


def _words(text: str) -> list[str]:
    """Split a list of names at its commas, anything else as a shell does; a comparison stays whole."""
    if _COMPARES.search(text):
        return [text]
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that is not closed
        return [text]
    return text.split(",") if all(word.endswith(",") for word in words[:-1]) else words


def flow(value: object) -> str:
    """Return a value in the flow style of YAML, `...` for None and for what is too long to repeat."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        inner = ", ".join(flow(each) for each in value)
        return f"[{inner}]" if len(inner) <= _FLOW else "[...]"
    if isinstance(value, str):
        text = shorten(value.strip())
        bare = _BARE.fullmatch(text) and isinstance(scalar_or_none(text), str)
        return text if bare else json.dumps(text, ensure_ascii=False)
    return "..." if value is None else _plain(value)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def not_a_mapping(node: Node, path: KeyPath, owner: str = "a spec") -> Diagnostic:
    """Return the diagnostic for the value at `path`; `owner` names a whole document."""
    here = node.find(path)
    value = here.plain() if here else None
    remedy = None if path else "begin with `key: value`"
    if isinstance(value, list) and path[-1:] == ("tasks",):
        remedy = "give each task a name instead of a `-`: `train: {type: train, ...}`"
    if value is None and path[-1:] == ("tasks",):
        remedy = "add a task: `train: {type: train, ...}`"
    message = f"{name_of(path) if path else owner} needs a mapping{unlike(value)}"
    return Diagnostic("DF122", message, node.span_of(path), remedy)
