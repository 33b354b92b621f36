"""Cascading findings: what a later pass says only because an earlier one found something wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagfactory.compiler.validate.unknown_names import NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import Span
    from dagfactory.document.node import Node

_FIRST_OF_MODELS = "DF120"
_LACKS = frozenset({"DF113", "DF121"})
"""Something is not there: the place is only where it would belong, and nothing there is wrong."""

_UNKNOWN_KEY = "DF120"
_ALWAYS = "DF302"
"""A secret is one, whatever else is wrong with it."""


def without_cascading(found: list[Diagnostic], lost: Collection[Span]) -> list[Diagnostic]:
    """Drop what a model says about an unreadable text, and names where something else is wrong.

    `lost` are the places of mappings of which a key could not be read: it may be the one they lack.
    """
    causes = [each for each in found if each.code < _FIRST_OF_MODELS]
    unread = _places(causes)
    kept = [
        each
        for each in found
        if each in causes
        or not ((each.code == "DF121" and each.span in lost) or _touches(each.span, unread))
    ]
    wrong = _places(each for each in kept if each.code not in NAMES)
    return [each for each in kept if each.code not in NAMES or not _touches(each.span, wrong)]


def beyond(
    found: Iterable[Diagnostic], earlier: Collection[Diagnostic], node: Node
) -> list[Diagnostic]:
    """Return the findings of a pass over `node` but for those where an earlier one found a mistake."""
    errors = [each for each in earlier if each.severity == "error" and each.code not in _LACKS]
    if not errors:
        return list(found)
    # what a key means that nobody knows, nobody can say of its value
    keys = _values_of_keys(node)
    unknown = (each.span for each in errors if each.code == _UNKNOWN_KEY)
    wrong = [*_places(errors), *(keys[span] for span in unknown if span in keys)]
    return [
        each
        for each in found
        if each.code == _ALWAYS or not any(_touches(span, wrong) for span in _spans(each))
    ]


def once_per_item(found: list[Diagnostic], node: Node) -> list[Diagnostic]:
    """Keep one of the findings that the tasks of a group's items share, but for their ids."""
    same = _ids_of_items(node) if len(found) > 1 else {}
    if not same:
        return found
    kept: dict[tuple[str, Span | None, str], Diagnostic] = {}
    for each in found:
        message = re.sub(r"\w+", lambda word: same.get(word[0], word[0]), each.message)
        kept.setdefault((each.code, each.span, message), each)
    return list(kept.values())


def _ids_of_items(node: Node) -> dict[str, str]:
    """Return the first id of the tasks written at one place, by the others of that place."""
    firsts: dict[Span, str] = {}
    same: dict[str, str] = {}
    for path, task in node.walk():
        # a value that a variable brought in stands at the place of its use, with all parts of it
        if path[-2:-1] == ("tasks",) and task.origin is None:
            name = str(path[-1])
            first = firsts.setdefault(task.span, name)
            same |= {name: first} if first != name else {}
    return same


def _spans(found: Diagnostic) -> Iterator[Span | None]:
    """Yield all places of a finding."""
    yield found.span
    yield from (label.span for label in found.labels)


def _values_of_keys(node: Node) -> dict[Span | None, Span]:
    """Return the place of each value by that of its key."""
    return {
        here.keys[key]: value.span
        for _, here in node.walk()
        if isinstance(here.value, dict)
        for key, value in here.value.items()
    }


def _places(found: Iterable[Diagnostic]) -> list[Span]:
    return [each.span for each in found if each.span]


def _touches(span: Span | None, others: list[Span]) -> bool:
    """Whether a place lies in one of the others, or one of them in it."""
    return span is not None and any(span.holds(other) or other.holds(span) for other in others)
