"""Text for terminals: control characters made visible, and the width in cells."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

TAB = 4
_JOINER = "\u200d"


def safe(text: str, encoding: str) -> str:
    """Return the text with everything made visible that a terminal would obey or cannot show."""
    if text.isascii() and text.isprintable():  # nearly every text
        return text
    return "".join(visible(each, encoding) for each in text)


@lru_cache(maxsize=1024)
def visible(character: str, encoding: str) -> str:
    """Return what to print for one code point: itself, spaces for a tab, or an escape."""
    if character == "\t":
        return " " * TAB
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Cn", "Co"}
    if hidden and character != _JOINER:  # which makes one emoji of several and does no harm
        return f"<U+{ord(character):04X}>"
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return f"<U+{ord(character):04X}>"
    return character


def width(text: str) -> int:
    """Return the number of terminal cells of a printable text."""
    return len(text) if text.isascii() else sum(map(_cell, text))


@lru_cache(maxsize=1024)
def _cell(character: str) -> int:
    if character == _JOINER or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
