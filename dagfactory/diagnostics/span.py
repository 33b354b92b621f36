"""Places: a `Span` of a file, or a `Pointer` in a document whose file is not at hand yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead from a document's root to a value."""


class Span(NamedTuple):
    """A stretch of a file. Lines and columns are 1-based and count code points.

    `end_column` is the first column after it.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, other: Span) -> bool:
        """Whether `other` lies inside this span."""
        return (
            self.file == other.file
            and (self.line, self.column) <= (other.line, other.column)
            and (other.end_line, other.end_column) <= (self.end_line, self.end_column)
        )


@dataclass(frozen=True, slots=True)
class Pointer:
    """A value of a document by its path: its key when `key`, text[start:end] when these are given."""

    path: KeyPath
    key: bool = False
    start: int | None = None
    end: int | None = None

    def below(self, prefix: KeyPath) -> Pointer:
        """Return the location with its path taken below `prefix`."""
        return replace(self, path=(*prefix, *self.path))
