"""From scalar events to nodes and keys, with exact places."""

from __future__ import annotations

import re
from typing import Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import SourceFile
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.wording import shorten
from dagfactory.document.hidden_characters import has_hidden
from dagfactory.document.node import Node
from dagfactory.document.yaml12 import OutOfRangeError, scalar, scalar_or_none

_PROPERTIES = re.compile(
    r"(?:[&!][^\s,\[\]{}]*"
    r"(?:(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))+[ \t]*|[ \t]+|(?=[,\]}])|\Z))+"
)
_ANCHOR = re.compile(r"&[\w-]+")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_BREAK = re.compile(r"\r\n|\n|\r")


def after_properties(text: str, offset: int, line: int, column: int) -> tuple[int, int]:
    """Return the line and column behind the anchor and tag at `offset`."""
    found = _PROPERTIES.match(text, offset)
    return _advance(found[0], line, column) if found else (line, column)


def scalar_node(
    event: Any, span: Span, source: SourceFile, key: Span | None
) -> tuple[Node, Diagnostic | None]:
    """Return the node of a scalar event, and what is wrong with it: a number out of range, a NUL.

    `key` is the place of the key it belongs to: an empty value stands right behind it.
    """
    text = event.value
    if event.style:
        written = source.text[event.start_mark.index : event.end_mark.index].rstrip()
        written = _without_properties(written, event)
        end_line, end_column = _advance(written, span.line, span.column)
        span = Span(span.file, span.line, span.column, end_line, end_column)
        node = Node(text, span, {}, quoted=event.style in "'\"", raw=written)
        return node, _unstorable(node, text)
    if not text:
        return Node(None, _behind(key, span), {}), None
    raw: str | None = None
    if span.line != span.end_line:
        raw = source.text[event.start_mark.index : event.end_mark.index]
        raw = _without_properties(raw, event)
    try:
        value = scalar(text)
        exact = raw is None and not isinstance(value, str) and str(value) != text
        return Node(value, span, {}, raw=text if exact else raw), None
    except OutOfRangeError as error:
        message = f"`{shorten(text)}` is {error}"
        # not 0: a range that ends there would be said to be empty as well
        return Node(error.nearest, span, {}), Diagnostic(
            "DF109", message, span, "quote it if it is text"
        )


def key_problem(event: Any, span: Span, text: str) -> Diagnostic | None:
    """Return what is wrong with a key in a text, or None.

    It must be text, visible, and neither a merge key nor written behind a `?`.
    """
    key = event.value
    if _behind_question_mark(text, event.start_mark.index):
        remedy = "write `key: value`, or quote the key if the `?` belongs to it"
        return Diagnostic("DF104", "keys behind a `?` are not used here", span, remedy)
    if not event.style and key == "<<":
        remedy = "put shared values under `defaults:`, or use an alias for the whole value"
        return Diagnostic("DF104", "merge keys (`<<`) are not used here", span, remedy)
    if not event.style and not isinstance(scalar_or_none(key), str):
        shown = f"`{shorten(key)}`" if key else "an empty key"
        return Diagnostic("DF106", f"{shown} is not text", span, f'write `"{shorten(key)}":`')
    return None if key.isascii() else _disguised(key, span, quoted=bool(event.style))


def _disguised(key: str, span: Span, *, quoted: bool) -> Diagnostic | None:
    """Return what makes a key look like another one.

    Hidden characters outside quotes are reported with those of the rest of the text.
    """
    import unicodedata

    if quoted and has_hidden(key):
        return Diagnostic("DF105", "a key with a hidden character", span, "type the key again")
    if not unicodedata.is_normalized("NFC", key):
        remedy = "type the key again: its accents are separate characters"
        message = f"key `{shorten(key)}` is not in composed form (NFC)"
        return Diagnostic("DF105", message, span, remedy)
    return None


def _behind_question_mark(text: str, offset: int) -> bool:
    """Whether a `?` comes before the key on its line: PyYAML reads `{?a: 1}` as `{a: 1}`."""
    while offset > 0 and text[offset - 1] in " \t":
        offset -= 1
    return offset > 0 and text[offset - 1] == "?"


def _unstorable(node: Node, text: str) -> Diagnostic | None:
    """Return a diagnostic for escapes that no database or UTF-8 file can hold, or None."""
    found = None if text.isprintable() else _UNSTORABLE.search(text)
    if found is None:
        return None
    message = f"a text with the character U+{ord(found[0]):04X}"
    return Diagnostic("DF105", message, node.span, "delete its escape: it cannot be stored")


def bad_anchor(text: str, offset: int, span: Span) -> Diagnostic | None:
    """Return what is wrong with the name of the anchor at `offset`, or None.

    PyYAML ends a name at the first character it does not expect and goes on as if it were a value.
    """
    found = _ANCHOR.search(text, offset)
    if found is None or found.end() == len(text) or text[found.end()] in " \t\r\n,[]{}":
        return None
    remedy = "use letters, digits, `-` and `_`"
    return Diagnostic("DF108", f"bad name of the anchor `{found[0]}`", span, remedy)


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
    if "\n" not in text and "\r" not in text:
        return line, column + len(text)
    rows = _BREAK.split(text)
    return line + len(rows) - 1, len(rows[-1]) + 1
