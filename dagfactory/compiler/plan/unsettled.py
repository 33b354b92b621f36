"""Tasks whose place in the order is not known, since a name before them leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dagfactory.compiler.plan.model import Edge, PlannedTask


def is_settled(item: PlannedTask) -> bool:
    """Whether all tasks are known that a task names."""
    return item.task.settled if isinstance(item.task, Hole) else True


def following(
    tasks: Mapping[str, PlannedTask], edges: Iterable[Edge], start: Iterable[str]
) -> frozenset[str]:
    """Return some tasks and all that come after them, through groups as well."""
    found: set[str] = set()
    fresh = set(start)
    while fresh:
        found |= fresh
        boxes = {group for name in fresh for group in tasks[name].groups}
        after = {edge.downstream for edge in edges if edge.upstream in fresh | boxes}
        inside = {each.id for each in tasks.values() if (fresh | after) & set(each.groups)}
        fresh = (after | inside) - found
    return frozenset(found)
