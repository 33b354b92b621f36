"""Cascading findings: what a later pass says only because an earlier one found something wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.validate.unknown_names import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import Span

_FIRST_OF_MODELS = "DF120"


def without_cascading(found: list[Diagnostic]) -> list[Diagnostic]:
    """Drop what a model says about an unreadable text, and names where something else is wrong."""
    causes = [each for each in found if each.code < _FIRST_OF_MODELS]
    # a key that YAML allows and specs do not (`<<`, a number) is not in the tree, so the model
    # misses what it would have brought in
    lost_keys = any(each.code in {"DF104", "DF106"} for each in causes)
    unread = _places(causes)
    kept = [
        each
        for each in found
        if each in causes
        or not ((lost_keys and each.code == "DF121") or _touches(each.span, unread))
    ]
    wrong = _places(each for each in kept if each.code not in NAMES)
    return [each for each in kept if each.code not in NAMES or not _touches(each.span, wrong)]


def _places(found: Iterable[Diagnostic]) -> list[Span]:
    return [each.span for each in found if each.span]


def _touches(span: Span | None, others: list[Span]) -> bool:
    """Whether a place lies in one of the others, or one of them in it."""
    return span is not None and any(span.holds(other) or other.holds(span) for other in others)
