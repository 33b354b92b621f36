"""Spelling help: the nearest known words and short lists of what is expected."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 8
"""So many choices are listed in full; of more, only the nearest are."""


_LONGEST = 40


def closest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` known words that `word` may be a misspelling of, the nearest first."""
    import difflib

    word = word[:100]
    folded = {_fold(each): each for each in reversed(list(known))}
    if _fold(word) in folded:
        return [folded[_fold(word)]]
    return [folded[each] for each in difflib.get_close_matches(_fold(word), folded, count, 0.6)]


def did_you_mean(word: str, known: Iterable[str], noun: str = "expected") -> str | None:
    """Return a help line for `word`: the likely meaning, or what is `noun` (expected, allowed)."""
    choices = list(known)
    near = closest(word, choices)
    if near and len(choices) > SHOWN:
        return f"did you mean {either(near)}?"
    if near:
        others = f" ({noun}: {listing(choices)})" if len(choices) > 1 else ""
        return f"did you mean `{shorten(near[0])}`?{others}"
    return f"{noun}: {listing(choices)}" if choices else None


def listing(words: Iterable[str]) -> str:
    """Return words in backquotes with commas; of a long list its head and the number left out."""
    quoted = [f"`{shorten(each)}`" for each in words]
    if len(quoted) <= SHOWN:
        return ", ".join(quoted)
    return f"{', '.join(quoted[:SHOWN])} and {len(quoted) - SHOWN} more"


def either(words: Iterable[str]) -> str:
    """Return words in backquotes joined by commas and a final `or`."""
    *head, last = [f"`{shorten(each)}`" for each in words]
    return f"{', '.join(head)} or {last}" if head else last


def shorten(text: str) -> str:
    """Return the text on one line, at most 40 characters long."""
    flat = " ".join(text[: 2 * _LONGEST].split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
