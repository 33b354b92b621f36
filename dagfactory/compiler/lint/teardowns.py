"""Tasks that use what a setup made while its teardown may already be taking it down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.plan.order import Order
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Edge, Plan, PlannedTask


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find tasks right after a setup that its teardown does not wait for."""
    teardowns = [item for item in plan.tasks.values() if item.task.teardown]
    order, after = (Order(plan), _after(plan)) if teardowns else (None, {})
    for item in teardowns:
        for setup in item.task.teardown.of if item.task.teardown else ():
            for edge in after.get(setup, ()):
                if order and not _waits(item, edge.downstream, plan, order):
                    yield _too_early(item, edge)


def _waits(item: PlannedTask, other: str, plan: Plan, order: Order) -> bool:
    """Whether a teardown begins after another task or group, or after the rest of its own group."""
    rest = plan.inside[other] if other in item.groups else [plan.tasks[other]]
    own = {item.id, *item.groups}
    return all(each.id in own or order.has_ended(each.id, before=item.id) for each in rest)


def _after(plan: Plan) -> dict[str, list[Edge]]:
    """Return the edges from each task."""
    found: dict[str, list[Edge]] = {}
    for edge in plan.edges:
        found.setdefault(edge.upstream, []).append(edge)
    return found


def _too_early(item: PlannedTask, edge: Edge) -> Diagnostic:
    message = f"`{item.id}` does not wait for `{edge.downstream}`, which comes after"
    place = Pointer((*item.path, "teardown"), key=True)
    return Diagnostic(
        "DF331",
        f"{message} `{edge.upstream}`",
        Pointer(edge.path),
        help=f"add `{edge.downstream}` to `after` of `{item.id}`",
        severity="warning",
        labels=(Label(place, "so it may be taken down too early"),),
    )
