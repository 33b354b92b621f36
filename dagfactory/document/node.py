"""The tree of a document: plain values that know where they stand."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Any

from dagfactory.diagnostics.span import KeyPath, Span

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place, never changed once it is made.

    It is not frozen, because that would make one three times as slow to build, and a big render
    builds a hundred thousand.

    `keys` holds the place of each key (mappings only). `raw` is the text as written when it differs
    from a plain one-line scalar. `origin` is where a value was written that a reference brought in.
    """

    value: str | int | float | bool | tuple[Node, ...] | dict[str, Node] | None
    span: Span
    keys: dict[str, Span]
    quoted: bool = False
    raw: str | None = None
    origin: Span | None = None

    def plain(self) -> Any:
        """Return the value as ordinary lists, dicts and scalars."""
        if isinstance(self.value, dict):
            return {key: each.plain() for key, each in self.value.items()}
        if isinstance(self.value, tuple):
            return [each.plain() for each in self.value]
        return self.value

    def child(self, step: str | int) -> Node | None:
        """Return the value under a key or index, or None."""
        value = self.value
        if isinstance(value, dict):
            return value.get(step) if isinstance(step, str) else None
        if isinstance(value, tuple) and isinstance(step, int):
            return value[step] if -len(value) <= step < len(value) else None
        return None

    def find(self, path: KeyPath) -> Node | None:
        """Return the node at `path`, or None."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def nearest(self, path: KeyPath) -> tuple[KeyPath, Node]:
        """Return the longest existing part of `path` and the node there."""
        node = self
        for depth, step in enumerate(path):
            below = node.child(step)
            if below is None:
                return path[:depth], node
            node = below
        return path, node

    def span_of(self, path: KeyPath, *, key: bool = False) -> Span:
        """Return the place of the value (or, with `key`, of the key) at `path`.

        Where nothing stands at `path`, it is the key of the nearest existing parent; one value in
        place of a list is its own first item.
        """
        found, node = self.nearest(path)
        alone = path[len(found) :] == (0,) and not isinstance(node.value, dict | tuple | NoneType)
        if (found == path or alone) and not key:
            return node.span
        return self._key_span(found, node)

    def _key_span(self, path: KeyPath, node: Node) -> Span:
        parent = self.find(path[:-1]) if path else None
        if parent and isinstance(path[-1], str):
            return parent.keys[path[-1]]
        return next(iter(node.keys.values()), node.span)

    def text_span(self, start: int, end: int) -> Span:
        """Return the place of `value[start:end]`; the whole node's where that cannot be told."""
        here, text = self.span, str(self.value)
        if self.raw is None:
            column = here.column + start
            return Span(here.file, here.line, column, here.line, column + end - start)
        offset = _raw_offset(self.raw, text, start, end)
        if offset is None:
            return here
        starts = _line_starts(self.raw)
        number = bisect_right(starts, offset) - 1
        column = offset - starts[number] + (1 if number else here.column)
        line = here.line + number
        return Span(here.file, line, column, line, column + end - start)

    def walk(self, path: KeyPath = ()) -> list[tuple[KeyPath, Node]]:
        """Return every node with its path, parents first, in document order."""
        found: list[tuple[KeyPath, Node]] = []
        _collect(self, path, found)
        return found


# a nested generator would hand each node up through all levels above it
def _collect(node: Node, path: KeyPath, found: list[tuple[KeyPath, Node]]) -> None:
    found.append((path, node))
    value = node.value
    if isinstance(value, dict):
        for key, each in value.items():
            _collect(each, (*path, key), found)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            _collect(each, (*path, index), found)


# A text of many references asks for the place of each: what is looked through once is kept, since
# looking from the start each time took minutes for 20,000 of them.
def _raw_offset(raw: str, text: str, start: int, end: int) -> int | None:
    """Find the occurrence in `raw` that answers to `text[start:end]`: the same count before it."""
    wanted = text[start:end]
    if not wanted or "\n" in wanted:
        return None
    skip = raw.find("\n") + 1 if raw[:1] in "|>" else 0
    ordinal = bisect_left(_occurrences(text, wanted, 0), start)
    offsets = _occurrences(raw, wanted, skip)
    return offsets[ordinal] if ordinal < len(offsets) else None


@lru_cache(maxsize=32)
def _occurrences(text: str, wanted: str, skip: int) -> list[int]:
    """Return the offsets from `skip` on at which a text holds another, overlapping ones included."""
    found, position = [], text.find(wanted, skip)
    while position >= 0:
        found.append(position)
        position = text.find(wanted, position + 1)
    return found


@lru_cache(maxsize=32)
def _line_starts(text: str) -> list[int]:
    """Return the offset of each line; LF, CRLF and CR break one."""
    return [0, *(each.end() for each in _BREAK.finditer(text))]
