"""The tasks that a text refers to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.document.reference import BadReferenceError, Ref, parse
from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask


def sources(plan: Plan, text: str) -> Iterator[tuple[Ref, PlannedTask]]:
    """Yield the references of a text to outputs of tasks, each with the task, where that is known."""
    if "${tasks." not in text:
        return
    try:
        pieces = parse(text)
    except BadReferenceError:
        return
    for piece in pieces:
        if isinstance(piece, Ref) and piece.root == "tasks":
            source = plan.tasks.get(piece.path[0])
            # what a task with mistakes writes is not known
            if source and not isinstance(source.task, Hole):
                yield piece, source
