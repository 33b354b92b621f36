"""Write readable YAML, which the loader reads back as exactly the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dagfactory.document.yaml12 import OutOfRangeError, scalar
from dagfactory.importers._yaml11 import yaml11

WIDTH = 100
_SHORT = 80
_FLOW_ITEMS = 6
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@` \t")
_IN_FLOW = frozenset(",[]{}:")


@dataclass(slots=True)
class EntryComments:
    """The comments of one entry: lines above it and one behind it, each with its `#`."""

    above: list[str] = field(default_factory=list)
    beside: str = ""


class CommentedMap(dict[str, Any]):
    """A mapping with comments by key; with `block_style` it is never written on one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.comments: dict[str, EntryComments] = {}
        self.block_style = False

    def comments_of(self, key: str) -> EntryComments:
        """Return the comments of an entry, to be added to."""
        return self.comments.setdefault(key, EntryComments())


def write(data: CommentedMap, header: list[str]) -> str:
    """Return a document: comment lines, then the mapping."""
    return "\n".join([*header, *_mapping(data, 0)]) + "\n"


def _mapping(data: dict[str, Any], indent: int) -> Iterator[str]:
    comments = data.comments if isinstance(data, CommentedMap) else {}
    for key, value in data.items():
        comments_of = comments.get(key, EntryComments())
        yield from (" " * indent + line for line in comments_of.above)
        yield from _entry(
            f"{' ' * indent}{text_of(key, flow=True)}:", value, indent, comments_of.beside
        )


def _entry(start: str, value: Any, indent: int, beside: str) -> Iterator[str]:
    """Yield the lines of `key: value`, on one line when it fits."""
    tail = f"  {beside}" if beside else ""
    if isinstance(value, str) and _is_block(value):
        yield from _literal(start, value, indent, tail)
        return
    flat = _flat(value)
    if flat is not None and (not isinstance(value, dict | list) or len(start + flat) < WIDTH):
        yield f"{start} {flat}{tail}"
        return
    yield f"{start}{tail}"
    yield from _below(value, indent + 2)


def _below(value: Any, indent: int) -> Iterator[str]:
    """Yield the lines of a list or mapping."""
    return _mapping(value, indent) if isinstance(value, dict) else _items(value, indent)


def _items(values: list[Any], indent: int) -> Iterator[str]:
    """Yield the lines of a list; what an item needs stands behind its dash."""
    for value in values:
        flat = _flat(value)
        short = flat is not None and len(flat) + indent < WIDTH
        if not isinstance(value, dict | list) or short or not value:
            yield f"{' ' * indent}- {flat if flat is not None else _quoted(str(value))}"
            continue
        lines = list(_below(value, indent + 2))
        yield f"{' ' * indent}- {lines[0].lstrip()}"
        yield from lines[1:]


def _flat(value: Any, *, flow: bool = False) -> str | None:
    """Return the value on one line, or None for one that needs several."""
    if isinstance(value, dict):
        return _flat_mapping(value)
    if isinstance(value, list):
        parts = [_flat(each, flow=True) for each in value]
        return None if None in parts else f"[{', '.join(map(str, parts))}]"
    if isinstance(value, str) and "\n" in value and not flow:
        return _quoted(value)
    return text_of(value, flow=flow)


def _flat_mapping(value: dict[str, Any]) -> str | None:
    """Return a short mapping without comments on one line."""
    if isinstance(value, CommentedMap) and (value.block_style or value.comments):
        return None
    if len(value) > _FLOW_ITEMS:
        return None
    parts = []
    for key, each in value.items():
        flat = _flat(each, flow=True)
        if flat is None or isinstance(each, dict):
            return None
        parts.append(f"{text_of(key, flow=True)}: {flat}")
    text = "{" + ", ".join(parts) + "}"
    return text if len(text) <= _SHORT else None


def _is_block(value: str) -> bool:
    """Return whether a text of several lines can be written unchanged behind a `|`."""
    first = value.lstrip("\n")[:1]
    plain = all(each.isprintable() for line in value.split("\n") for each in line)
    edges = any(line != line.rstrip() for line in value.split("\n"))
    return "\n" in value and plain and not edges and bool(first.strip()) and value[0] != "\n"


def _literal(start: str, value: str, indent: int, tail: str) -> Iterator[str]:
    """Yield a block text: `|` keeps one last line break, `|-` none, `|+` all."""
    body = value.rstrip("\n")
    breaks = len(value) - len(body)
    yield f"{start} |{'-' if not breaks else '' if breaks == 1 else '+'}{tail}"
    lines = body.split("\n") + [""] * max(0, breaks - 1)
    yield from (" " * (indent + 2) + line if line else "" for line in lines)


def text_of(value: Any, *, flow: bool = False) -> str:
    """Return one scalar as the loader reads it back."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case str():
            return value if _is_plain(value, flow=flow) else _quoted(value)
    return str(value)


def _float(value: float) -> str:
    special = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}
    return special.get(repr(value), repr(value))


def _is_plain(text: str, *, flow: bool) -> bool:
    """Return whether a text needs no quotes, in YAML 1.2 and in 1.1."""
    # 1.1 too, because editors and other tools read the spec with PyYAML, for which `no` is false.
    if not text or text[0] in _INDICATORS or text[-1] in " :" or not text.isprintable():
        return False
    if any(each in text for each in (": ", " #", " *")) or text in {"---", "...", "<<", "="}:
        return False
    if flow and _IN_FLOW & set(text):
        return False
    try:
        return scalar(text) is text and isinstance(yaml11(text), str | date)
    except OutOfRangeError:
        return False


def _quoted(text: str) -> str:
    """Return a text in quotes: double, unless it holds some and nothing to escape."""
    if '"' in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + re.sub(r'[\\"]|[^ -~]', _escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character in '\\"\n\t\r':
        return json.dumps(character)[1:-1]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
