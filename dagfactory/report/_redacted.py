"""Source text as reports may show it, with everything masked that may be a secret."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from dagfactory.diagnostics.redact import masked
from dagfactory.diagnostics.source import SourceFile, Sources
from dagfactory.diagnostics.span import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dagfactory.diagnostics.diagnostic import Diagnostic

MASK = "*"


def redacted_sources(diagnostics: Iterable[Diagnostic], sources: Sources) -> Sources:
    """Return the sources with `*` in place of every hidden text; lines keep their lengths."""
    places: dict[str, list[Span]] = defaultdict(list)
    for each in diagnostics:
        if each.hidden and each.span:
            places[each.span.file].append(each.span)
    return _RedactedSources(sources, places)


class _RedactedSources(Sources):
    """Sources whose files are masked when they are read."""

    def __init__(self, sources: Sources, places: Mapping[str, list[Span]]) -> None:
        super().__init__()
        self._sources, self._places = sources, places

    def get(self, name: str) -> SourceFile | None:
        """Return a file as a report may show it."""
        if name not in self._files:
            source = self._sources.get(name)
            self._files[name] = source and _without(source, self._places.get(name, []))
        return self._files[name]


def _without(source: SourceFile, spans: list[Span]) -> SourceFile:
    lines = [masked(line) for line in source.lines]
    for span in spans:
        for number in range(span.line, min(span.end_line, len(lines)) + 1):
            line = lines[number - 1]
            # a mask for each character: the carets below the line have to stay in their columns
            start = span.column - 1 if number == span.line else 0
            end = span.end_column - 1 if number == span.end_line else len(line)
            lines[number - 1] = line[:start] + MASK * (min(end, len(line)) - start) + line[end:]
    return SourceFile(source.name, "\n".join(lines))
