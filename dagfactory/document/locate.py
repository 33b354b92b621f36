"""Symbolic locations become places in the file, once the document is at hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from dagfactory.diagnostics.span import Pointer, Span

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.document.node import Node

_Place = TypeVar("_Place", Span | Pointer, Span | Pointer | None)


def locate(node: Node, diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic whose place and labels are spans of the file that `node` was read from."""
    return replace(
        diagnostic,
        place=_span(node, diagnostic.place),
        labels=tuple(replace(each, place=_span(node, each.place)) for each in diagnostic.labels),
        hidden=diagnostic.hidden and not _is_reference(node, diagnostic.place),
    )


def _is_reference(node: Node, place: Span | Pointer | None) -> bool:
    """Whether a reference stands at the place: it may be shown, the value it brings in may not."""
    found = node.find(place.path) if isinstance(place, Pointer) else None
    return bool(found and found.origin)


def _span(node: Node, place: _Place) -> _Place:
    if not isinstance(place, Pointer):
        return place
    found = node.find(place.path)
    if place.start is None or place.end is None or found is None:
        return node.span_of(place.path, key=place.key)
    return found.text_span(place.start, place.end)
