"""A rendered file holds no character that could hide or reorder text for a reviewer."""

from __future__ import annotations


def check(text: str) -> str | None:
    """Return the first control, format or line-separator character, or None."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.isprintable():
            character = next(each for each in line if not each.isprintable())
            return f"line {number}: {character!a} in rendered code"
    return None
