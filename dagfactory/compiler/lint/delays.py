"""Delays after other tasks that count from another moment than the end of those."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_HELP = (
    "write `from: start` to count from the end of what comes before, `from: due` if this is meant"
)


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find delays behind other tasks of which nothing says from when they count."""
    late = {edge.downstream for edge in plan.edges}
    for item in plan.tasks.values():
        stated = "counted_from" in item.task.model_fields_set
        behind = late & {item.id, *item.groups}
        if item.task.type == "wait_until" and item.task.field("delay") and behind and not stated:
            message = "this counts from when the run was due, not from the end of what comes before"
            path = (*item.path, "delay")
            yield Diagnostic("DF332", message, Pointer(path), help=_HELP, severity="warning")
