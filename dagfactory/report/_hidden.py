"""Source text as reports may show it: what could be a secret is blotted out, line by line."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dagfactory.source import SourceFile, Sources, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagfactory.diagnostics import Diagnostic

BLOT = "*"


def blotted(diagnostics: Iterable[Diagnostic], sources: Sources) -> Sources:
    """Return the sources with `*` in the place of every hidden text; lines keep their lengths."""
    places: dict[str, list[Span]] = defaultdict(list)
    for each in diagnostics:
        if each.hidden and each.span:
            places[each.span.file].append(each.span)
    if not places:
        return sources
    shown = Sources()
    for name, spans in places.items():
        source = sources.get(name)
        if source:
            shown.add(_without(source, spans))
    return _Layered(shown, sources, frozenset(places))


class _Layered(Sources):
    """Sources in which some files have a version of their own."""

    def __init__(self, first: Sources, rest: Sources, names: frozenset[str]) -> None:
        super().__init__()
        self._first, self._rest, self._names = first, rest, names

    def get(self, name: str) -> SourceFile | None:
        """Return the own version of a file, or that of the sources below."""
        return self._first.get(name) if name in self._names else self._rest.get(name)


def _without(source: SourceFile, spans: list[Span]) -> SourceFile:
    lines = list(source.lines)
    for span in spans:
        for number in range(span.line, min(span.end_line, len(lines)) + 1):
            line = lines[number - 1]
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == span.end_line else len(line)
            lines[number - 1] = line[:start] + BLOT * (min(end, len(line)) - start) + line[end:]
    return SourceFile(source.name, "\n".join(lines))
