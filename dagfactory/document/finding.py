"""Problems: findings about a path of the pipeline, turned into diagnostics once the file is at hand.

Passes that work on models know paths, not lines: they yield problems, and `locate` finds the place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.source import Span

if TYPE_CHECKING:
    from dagfactory.document.node import Node

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding at `path`: on the key itself when `key`, on text[start:end] when `start` is given.

    With `hidden` reports must not show the text that stands there.
    """

    code: str
    message: str
    path: Path
    key: bool = False
    start: int | None = None
    end: int | None = None
    help: str | None = None
    notes: tuple[str, ...] = ()
    other: tuple[Path, str] | None = None
    severity: Literal["error", "warning"] = "error"
    hidden: bool = False

    def under(self, prefix: Path) -> Problem:
        """Return the problem with its path taken below `prefix`."""
        return replace(self, path=(*prefix, *self.path))


def locate(node: Node, problem: Problem) -> Diagnostic:
    """Turn a problem into a diagnostic with its place in the file."""
    labels: tuple[Label, ...] = ()
    if problem.other:
        path, text = problem.other
        labels = (Label(node.span_of(path, key=True), text),)
    return Diagnostic(
        code=problem.code,
        message=problem.message,
        span=_span(node, problem),
        help=problem.help,
        notes=problem.notes,
        labels=labels,
        severity=problem.severity,
        hidden=problem.hidden and not _brought_in(node, problem),
    )


def _brought_in(node: Node, problem: Problem) -> bool:
    """Whether a reference stands at the place, and not the value itself."""
    found = node.find(problem.path)
    return bool(found and found.origin)


def _span(node: Node, problem: Problem) -> Span:
    """Return the place: part of a text when offsets are known and map to columns."""
    found = node.find(problem.path)
    if problem.start is None or problem.end is None or found is None:
        return node.span_of(problem.path, key=problem.key)
    return found.text_span(problem.start, problem.end)
