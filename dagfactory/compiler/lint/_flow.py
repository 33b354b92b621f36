"""Which sides of which gates a task needs: what Airflow's skipping means, worked out without a run.

A gate that passes skips what stands under `else`; one that does not skips everything else after it. An
approval that is rejected skips what comes after it. A skip spreads over tasks whose trigger rule is
`all_success`, and stops at the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Edge, Plan
    from dagfactory.language.task import TaskBase

Side: TypeAlias = tuple[str, str]
"""A gate and the branch it takes: "then" or "else"; of an approval "Approve"."""

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
    decider = plan.tasks[upstream].task
    if not decides(decider):
        return Need(upstream, edge, sides, direct=False)
    otherwise = decider.field("otherwise") or ()
    named = {name, *plan.tasks[name].groups}
    follows = "then" if decider.type == "gate" else "Approve"
    side = "else" if named & set(otherwise) else follows
    return Need(upstream, edge, sides | {(upstream, side)}, direct=True)


def decides(task: TaskBase) -> bool:
    """Whether a task may skip what comes after it."""
    return task.type == "gate" or task.field("on_reject") == "skip"


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
    first, last = _Ends(plan, last=False), _Ends(plan, last=True)
    for edge in plan.edges:
        for upstream in last.of(edge.upstream):
            for downstream in first.of(edge.downstream):
                yield upstream, downstream, edge


class _Ends:
    """The tasks that a group ends with, or begins with: nothing inside it follows, or precedes, them."""

    def __init__(self, plan: Plan, *, last: bool) -> None:
        self._inside = {
            name: {each.id: each for each in items} for name, items in plan.inside.items()
        }
        self._linked: dict[str, set[str]] = {}
        for edge in plan.edges:
            one, other = edge.upstream, edge.downstream
            self._linked.setdefault(one if last else other, set()).add(other if last else one)
        self._known: dict[str, list[str]] = {}

    def of(self, name: str) -> list[str]:
        """Return a task, or those of a group."""
        if name not in self._inside:
            return [name]
        if name not in self._known:
            self._known[name] = [end for each in self._members(name) for end in self.of(each)]
        return self._known[name]

    def _members(self, group: str) -> Iterator[str]:
        """Yield the direct members of a group that no link leads from to another one."""
        everything = self._inside[group]
        for each in everything.values():
            own = {each.id, *self._inside.get(each.id, ())}
            linked = (other for name in own for other in self._linked.get(name, ()))
            if each.groups[-1] == group and not any(
                other in everything and other not in own for other in linked
            ):
                yield each.id
