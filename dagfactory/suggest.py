"""Spelling help: the nearest known words and short lists of what is expected."""

from __future__ import annotations

from collections.abc import Iterable

from dagfactory.secret_shapes import masked

SHOWN = 8
"""So many choices are listed in full; of more, only the nearest are."""


_LONGEST = 40
_SHORTEST = 3
"""Letters of a word of which one can be wrong; in a shorter one that is half of it."""


def closest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` known words that `word` may be a misspelling of, the nearest first."""
    import difflib

    word = word[:100]
    folded = {_fold(each): each for each in reversed(list(known))}
    if _fold(word) in folded:
        return [folded[_fold(word)]]
    near = difflib.get_close_matches(_fold(word), folded, count, 0.6)
    slips = [each for each in (*near, *folded) if _one_slip(_fold(word), each)]
    return [folded[each] for each in dict.fromkeys([*slips, *near])][:count]


def _one_slip(word: str, other: str) -> bool:
    """Whether one letter left out, put in, replaced or swapped with the next makes the other word."""
    if min(len(word), len(other)) < _SHORTEST:
        return False
    start = 0
    while start < min(len(word), len(other)) and word[start] == other[start]:
        start += 1
    word, other = word[start:], other[start:]
    while word and other and word[-1] == other[-1]:
        word, other = word[:-1], other[:-1]
    return max(len(word), len(other)) == 1 or (
        len(word) == 2 and word == other[::-1]  # noqa: PLR2004 - the two that were swapped
    )


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
    """Return the text on one line, at most 40 characters long, without secrets of a known shape.

    Half a secret has no known shape any more, so it is looked for before the text is cut.
    """
    flat = " ".join(masked(text[: 8 * _LONGEST])[: 2 * _LONGEST].split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")
