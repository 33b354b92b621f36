"""Source text as reports may show it: what could be a secret is blotted out, line by line."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dagfactory.diagnostics.redact import masked
from dagfactory.diagnostics.source import SourceFile, Sources
from dagfactory.diagnostics.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dagfactory.diagnostics.diagnostic import Diagnostic

BLOT = "*"


def blotted(diagnostics: Iterable[Diagnostic], sources: Sources) -> Sources:
    """Return the sources with `*` in the place of every hidden text; lines keep their lengths."""
    places: dict[str, list[Span]] = defaultdict(list)
    for each in diagnostics:
        if each.hidden and each.span:
            places[each.span.file].append(each.span)
    return _Blotted(sources, places)


class _Blotted(Sources):
    """Sources without what is hidden and without secrets of a known shape, made when asked for."""

    def __init__(self, sources: Sources, places: Mapping[str, list[Span]]) -> None:
        super().__init__()
        self._sources, self._places = sources, places

    def get(self, name: str) -> SourceFile | None:
        """Return a file as it may be shown."""
        if name not in self._files:
            source = self._sources.get(name)
            self._files[name] = source and _without(source, self._places.get(name, []))
        return self._files[name]


def _without(source: SourceFile, spans: list[Span]) -> SourceFile:
    lines = [masked(line) for line in source.lines]
    for span in spans:
        for number in range(span.line, min(span.end_line, len(lines)) + 1):
            line = lines[number - 1]
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == span.end_line else len(line)
            lines[number - 1] = line[:start] + BLOT * (min(end, len(line)) - start) + line[end:]
    return SourceFile(source.name, "\n".join(lines))
