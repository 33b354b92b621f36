"""Which sides of which gates a task needs: what Airflow's skipping means, worked out without a run.

A gate that passes skips what stands under `else`; one that does not skips everything else after it.
A skip spreads over tasks whose trigger rule is `all_success`, and stops at the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Edge, Plan

Side: TypeAlias = tuple[str, str]
"""A gate and the branch it takes: "then" or "else"."""

Sides: TypeAlias = frozenset[Side]

_ALL = ("all_success", "none_skipped")
_ANY = ("one_success", "none_failed_min_one_success")


@dataclass(frozen=True, slots=True)
class Need:
    """What one upstream task asks of the gates, through one edge; `direct` when the gate itself."""

    upstream: str
    edge: Edge
    sides: Sides
    direct: bool


@dataclass(slots=True)
class Flow:
    """The needs of every task: `into` edge by edge, `sides` together by its trigger rule."""

    into: dict[str, list[Need]] = field(default_factory=dict)
    sides: dict[str, Sides] = field(default_factory=dict)


def flow(plan: Plan) -> Flow:
    """Work out the needs of all tasks that are not groups."""
    edges = list(expanded(plan))
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(plan.tasks, ()))
    incoming: dict[str, list[tuple[str, Edge]]] = {name: [] for name in plan.tasks}
    for upstream, downstream, edge in edges:
        sorter.add(downstream, upstream)
        incoming[downstream].append((upstream, edge))
    made = Flow()
    try:
        order = list(sorter.static_order())
    except CycleError:
        return made
    for name in order:
        needs = [_need(plan, upstream, edge, name, made) for upstream, edge in incoming[name]]
        made.into[name] = needs
        # a teardown asks nothing of the tasks before it but of those that set up
        rule = "all_done" if plan.tasks[name].task.teardown else plan.tasks[name].task.trigger_rule
        made.sides[name] = _together(rule, needs)
    return made


def contradiction(sides: Iterable[Side]) -> str | None:
    """Return a gate of which both sides are needed."""
    taken: dict[str, str] = {}
    for gate, side in sorted(sides):
        if taken.setdefault(gate, side) != side:
            return gate
    return None


def _need(plan: Plan, upstream: str, edge: Edge, name: str, made: Flow) -> Need:
    sides = made.sides[upstream]
    if plan.tasks[upstream].task.type != "gate":
        return Need(upstream, edge, sides, direct=False)
    otherwise = plan.tasks[upstream].task.field("otherwise") or ()
    named = {name, *plan.tasks[name].groups}
    side = "else" if named & set(otherwise) else "then"
    return Need(upstream, edge, sides | {(upstream, side)}, direct=True)


def _together(rule: str | None, needs: list[Need]) -> Sides:
    """Return what a trigger rule makes of the needs."""
    # a gate skips what follows it whatever its rule, because it marks the tasks itself
    of_gates = {
        side for need in needs if need.direct for side in need.sides if side[0] == need.upstream
    }
    every = [need.sides for need in needs]
    if rule is None or rule in _ALL:
        return frozenset().union(of_gates, *every)
    if rule in _ANY and every:
        return frozenset(of_gates) | frozenset.intersection(*every)
    return frozenset(of_gates)


def expanded(plan: Plan) -> Iterator[tuple[str, str, Edge]]:
    """Yield every edge between tasks that are not groups: a group's last tasks, its first tasks."""
    members: dict[str, list[str]] = {}
    for item in plan.tasks.values():
        for group in item.groups[-1:]:
            members.setdefault(group, []).append(item.id)
    inner = {
        name: {each.id for each in plan.tasks.values() if name in each.groups} for name in members
    }
    for edge in plan.edges:
        for upstream in _ends(plan, edge.upstream, members, inner, last=True):
            for downstream in _ends(plan, edge.downstream, members, inner, last=False):
                yield upstream, downstream, edge


def _ends(
    plan: Plan,
    name: str,
    members: dict[str, list[str]],
    inner: dict[str, set[str]],
    *,
    last: bool,
) -> Iterator[str]:
    """Yield a task, or those of a group that nothing inside the group follows (or precedes)."""
    if name not in members:
        yield name
        return
    for member in members[name]:
        own = {member, *inner.get(member, ())}
        others = inner[name] - own
        linked = (
            edge.upstream in own and edge.downstream in others
            if last
            else edge.downstream in own and edge.upstream in others
            for edge in plan.edges
        )
        if not any(linked):
            yield from _ends(plan, member, members, inner, last=last)
