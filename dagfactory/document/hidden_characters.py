"""Characters that change how a text is read without being seen (https://trojansource.codes)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import islice

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import SourceFile
from dagfactory.diagnostics.span import Span

# Never as they are: C0 and C1 controls but tab and line breaks, separators that some editors take
# for line breaks, non-characters. A quoted "\u2028" says the same visibly.
_FORBIDDEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Only in quotes: direction marks and overrides, zero-width and tag characters. The joiners of
# emoji and Persian (U+200C, U+200D) and variation selectors are ordinary text.
_HIDDEN = re.compile(
    "[\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]",
)
_SHOWN = 20
"""So many are reported; the rest would drown the report."""


def forbidden(source: SourceFile) -> list[Diagnostic]:
    """Return a diagnostic for each character that no document may hold."""
    found = islice(_FORBIDDEN.finditer(source.text), _SHOWN)
    remedy = "write it as an escape in double quotes"
    return [_diagnostic(source, each.start(), remedy) for each in found]


def has_hidden(text: str) -> bool:
    """Whether the text holds a character that is allowed in quotes only."""
    return _HIDDEN.search(text) is not None


def hidden(source: SourceFile, quoted: Iterable[tuple[int, int]]) -> list[Diagnostic]:
    """Return a diagnostic for each hidden character outside the quoted ranges of offsets.

    The ranges are in order and do not overlap: an offset after an even number of their ends (and
    the 0 before them) is inside one.
    """
    ends = [0, *(offset for each in quoted for offset in each)]
    outside = (
        each.start()
        for each in _HIDDEN.finditer(source.text)
        if bisect_right(ends, each.start()) % 2
    )
    remedy = "delete it, or quote the text that needs it"
    return [_diagnostic(source, at, remedy) for at in islice(outside, _SHOWN)]


def _diagnostic(source: SourceFile, offset: int, remedy: str) -> Diagnostic:
    import unicodedata

    character = source.text[offset]
    name = unicodedata.name(character, "a control character")
    before = source.text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    span = Span(source.name, line, column, line, column + 1)
    message = f"hidden character U+{ord(character):04X} ({name.lower()})"
    return Diagnostic("DF105", message, span, remedy)
