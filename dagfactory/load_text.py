"""From scalar events to nodes and keys, with exact places."""

from __future__ import annotations

import re
from typing import Any

from dagfactory.characters import has_hidden
from dagfactory.diagnostics import Diagnostic
from dagfactory.node import Node
from dagfactory.scalars import OutOfRangeError, scalar
from dagfactory.source import SourceFile, Span

_PROPERTIES = re.compile(
    r"(?:[&!][^\s,\[\]{}]*(?:[ \t]+|(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))+[ \t]*|(?=[,\]}])|\Z))+"
)
_SHOWN = 24
_BREAK = re.compile(r"\r\n|\n|\r")


def after_properties(text: str, offset: int, line: int, column: int) -> tuple[int, int]:
    """Return the line and column behind the anchor and tag at `offset`."""
    found = _PROPERTIES.match(text, offset)
    return _advance(found[0], line, column) if found else (line, column)


def scalar_node(
    event: Any, span: Span, source: SourceFile, key: Span | None
) -> tuple[Node, Diagnostic | None]:
    """Return the node of a scalar event, and a DF109 diagnostic if its number is out of range.

    `key` is the place of the key it belongs to: an empty value stands right behind it.
    """
    text = event.value
    if event.style:
        written = source.text[event.start_mark.index : event.end_mark.index].rstrip()
        written = _without_properties(written, event)
        end_line, end_column = _advance(written, span.line, span.column)
        span = Span(span.file, span.line, span.column, end_line, end_column)
        return Node(text, span, {}, quoted=event.style in "'\"", raw=written), None
    if not text:
        return Node(None, _behind(key, span), {}), None
    raw: str | None = None
    if span.line != span.end_line:
        raw = source.text[event.start_mark.index : event.end_mark.index]
        raw = _without_properties(raw, event)
    try:
        return Node(scalar(text), span, {}, raw=raw), None
    except OutOfRangeError as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return Node(0, span, {}), Diagnostic(
            "DF109", f"`{shown}` is {error}", span, "quote it if it is text"
        )


def key_problem(event: Any, span: Span) -> Diagnostic | None:
    """Return what is wrong with a key, or None: it must be text, visible, and no merge key."""
    text = event.value
    if not event.style:
        if text == "<<":
            remedy = "put shared values under `defaults:`, or use an alias for the whole value"
            return Diagnostic("DF104", "merge keys (`<<`) are not used here", span, remedy)
        if not isinstance(_quietly(text), str):
            shown = f"`{text}`" if text else "an empty key"
            return Diagnostic("DF106", f"{shown} is not text", span, f'write `"{text}":`')
    if text.isascii():
        return None
    import unicodedata

    if has_hidden(text):
        return Diagnostic("DF105", "a key with a hidden character", span, "type the key again")
    if not unicodedata.is_normalized("NFC", text):
        remedy = "type the key again: its accents are separate characters"
        return Diagnostic("DF105", f"key `{text}` is not in composed form (NFC)", span, remedy)
    return None


def _quietly(text: str) -> object:
    try:
        return scalar(text)
    except OutOfRangeError:
        return None


def _without_properties(raw: str, event: Any) -> str:
    if event.anchor or event.tag:
        found = _PROPERTIES.match(raw)
        return raw[found.end() :] if found else raw
    return raw


def _behind(key: Span | None, span: Span) -> Span:
    """Return the place of an empty value: its mark is that of the next token, maybe lines below."""
    if key and span.line != key.end_line:
        return Span(key.file, key.end_line, key.end_column, key.end_line, key.end_column)
    return span


def _advance(text: str, line: int, column: int) -> tuple[int, int]:
    """Return the place behind `text` when it begins at `line`, `column`."""
    first, *rest = _BREAK.split(text)
    return (line + len(rest), len(rest[-1]) + 1) if rest else (line, column + len(first))
