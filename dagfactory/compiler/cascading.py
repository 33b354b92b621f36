"""Cascading findings: what a later pass says only because an earlier one found something wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.validate.unknown_names import NAMES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

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
    keys = _values_of_keys(node)
    # what a key means that nobody knows, nobody can say of its value
    unknown = [each.span for each in errors if each.code == _UNKNOWN_KEY and each.span in keys]
    wrong = [*_places(errors), *(keys[span][0] for span in unknown if span)]
    about = {span: value for span, (value, is_task) in keys.items() if not is_task}
    return [
        each
        for each in found
        if each.code == _ALWAYS or not any(_touches(span, wrong) for span in _extent(each, about))
    ]


def _extent(found: Diagnostic, values: Mapping[Span, Span]) -> Iterator[Span]:
    """Yield the places that a finding is about: at a key it is about the value."""
    places = (found.span, *(label.span for label in found.labels))
    for span in filter(None, places):
        yield span
        yield values.get(span, span)


def _values_of_keys(node: Node) -> dict[Span, tuple[Span, bool]]:
    """Return the place of each value by that of its key, and whether it is a task, which is many things."""
    return {
        here.keys[key]: (value.span, path[-1:] == ("tasks",))
        for path, here in node.walk()
        if isinstance(here.value, dict)
        for key, value in here.value.items()
    }


def _places(found: Iterable[Diagnostic]) -> list[Span]:
    return [each.span for each in found if each.span]


def _touches(span: Span | None, others: list[Span]) -> bool:
    """Whether a place lies in one of the others, or one of them in it."""
    return span is not None and any(span.holds(other) or other.holds(span) for other in others)
