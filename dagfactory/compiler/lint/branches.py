"""Tasks that need both sides of a gate: they are skipped always, or read what was never written."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._flow import Flow, Need, Sides, contradiction, decides, flow
from dagfactory.compiler.lint._reference import sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask

_REMEDY = "`trigger_rule: none_failed_min_one_success` runs it after either side"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find the first tasks on every way that no run can reach, and references across branches."""
    if not any(decides(item.task) for item in plan.tasks.values()):
        return
    known = flow(plan)
    for name, needs in known.into.items():
        # a task before it never runs and has been named; this one follows from that
        if any(contradiction(known.sides[need.upstream]) for need in needs):
            continue
        unwritten = list(_references_across(plan, plan.tasks[name], known))
        yield from unwritten
        if not unwritten and contradiction(known.sides[name]):
            yield _never_runs(plan.tasks[name], needs)


def _references_across(plan: Plan, item: PlannedTask, known: Flow) -> Iterator[Diagnostic]:
    """Find outputs that are not written in any run in which the task could run."""
    needs = known.into[item.id]
    for need in (each for each in needs if each.edge.why == "reference" and not each.direct):
        others = [each for each in needs if each.upstream != need.upstream]
        base = known.sides[item.id] if item.task.trigger_rule else _union(others)
        gate = contradiction(need.sides | base)
        # the others may contradict each other at a gate that this one has nothing to do with
        if gate in dict(need.sides):
            yield _other_side(plan, need, str(gate))


def _union(needs: list[Need]) -> Sides:
    return frozenset().union(*(each.sides for each in needs))


def _other_side(plan: Plan, need: Need, gate: str) -> Diagnostic:
    node = plan.node.find(need.edge.path)
    text = node.value if node and isinstance(node.value, str) else ""
    found = next((ref for ref, task in sources(plan, text) if task.id == need.edge.upstream), None)
    side = dict(need.sides)[gate]
    return Diagnostic(
        "DF311",
        f"`{need.upstream}` is skipped whenever this task runs",
        Pointer(
            need.edge.path, start=found.start if found else None, end=found.end if found else None
        ),
        help=f"refer to a task that runs on the same side of `{gate}`",
        notes=(f"`{need.upstream}` is on the `{side}` side of `{gate}`",),
    )


def _never_runs(item: PlannedTask, needs: list[Need]) -> Diagnostic:
    """Name two tasks before this one that are on different sides of a gate."""
    for one, other in combinations(needs, 2):
        gate = contradiction(one.sides | other.sides)
        if gate:
            first, second = (
                f"`{each.upstream}` on `{dict(each.sides)[gate]}`" for each in (one, other)
            )
            what = f"{first} and {second} of `{gate}` never both run"
            break
    else:
        what = "those before it never all run"
    path = (*item.path, "after") if item.task.after else item.path
    message = f"`{item.id}` can never run: {what}"
    return Diagnostic("DF304", message, Pointer(path, key=True), help=_REMEDY)
