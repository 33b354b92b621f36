"""Tasks whose place in the order is not known, since a name before them leads nowhere."""

from __future__ import annotations

from collections import defaultdict
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
    after, inside = defaultdict(set), defaultdict(set)
    for edge in edges:
        after[edge.upstream].add(edge.downstream)
    for each in tasks.values():
        for group in each.groups:
            inside[group].add(each.id)
    found: set[str] = set()
    fresh = set(start)
    while fresh:
        found |= fresh
        boxes = {group for name in fresh for group in tasks[name].groups}
        later = {name for each in fresh | boxes for name in after[each]}
        fresh = (later | {name for each in fresh | later for name in inside[each]}) - found
    return frozenset(found)
