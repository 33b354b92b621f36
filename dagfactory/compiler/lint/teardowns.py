"""Tasks that use what a setup made while its teardown may already be taking it down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find tasks right after a setup that its teardown does not wait for."""
    for item in plan.tasks.values():
        if item.task.teardown:
            before = _before(plan, item)
            for edge in plan.edges:
                free = edge.downstream not in before and edge.downstream != item.id
                if edge.upstream in item.task.teardown.of and free:
                    message = (
                        f"`{item.id}` does not wait for `{edge.downstream}`, which comes after"
                    )
                    yield Diagnostic(
                        "DF331",
                        f"{message} `{edge.upstream}`",
                        Pointer(edge.path),
                        help=f"add `{edge.downstream}` to `after` of `{item.id}`",
                        severity="warning",
                        labels=(
                            Label(
                                Pointer((*item.path, "teardown"), key=True),
                                "so it may be taken down too early",
                            ),
                        ),
                    )


def _before(plan: Plan, item: PlannedTask) -> set[str]:
    """Return everything that has ended when a task starts, groups and their members included."""
    found: set[str] = set()
    open_ = {item.id, *item.groups}
    while open_:
        found |= open_
        upstream = {edge.upstream for edge in plan.edges if edge.downstream in open_}
        # an edge from a group waits for all its members
        inside = {each.id for each in plan.tasks.values() if upstream & set(each.groups)}
        open_ = (upstream | inside) - found
    return found - {item.id, *item.groups}
