"""Tasks that a gate skips by the way: they wait for one of its sides and for work outside of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._flow import Flow, Need, contradiction, decides, flow
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find joins that run on one side of a gate only, where nobody said that they should.

    A task that reads an output of that side, or that states its trigger rule, is meant so.
    """
    if not any(decides(item.task) for item in plan.tasks.values()):
        return
    known = flow(plan)
    skipped: set[str] = set()
    for name, needs in known.into.items():
        found = None if plan.tasks[name].task.trigger_rule else _skipping_need(needs, known, name)
        if found and not any(need.upstream in skipped for need in needs):
            skipped.add(name)
            yield _problem(name, *found)


def _skipping_need(needs: list[Need], known: Flow, name: str) -> tuple[Need, str] | None:
    """Return the need that skips a task whose other needs do not, with the gate."""
    if any(need.direct for need in needs) or contradiction(known.sides[name]):
        return None
    for need in needs:
        # who reads an output of that side cannot run without it, so the skip is meant
        if need.edge.why != "after":
            continue
        for gate, _ in sorted(need.sides):
            others = [each for each in needs if gate not in dict(each.sides)]
            meant = any(each.edge.why == "reference" and gate in dict(each.sides) for each in needs)
            if others and not meant:
                return need, gate
    return None


def _problem(name: str, need: Need, gate: str) -> Diagnostic:
    side = dict(need.sides)[gate]
    return Diagnostic(
        "DF314",
        f"`{name}` is skipped whenever `{gate}` does not take `{side}`",
        Pointer(need.edge.path),
        help="`trigger_rule: none_failed_min_one_success` runs it then too; `all_success` says it is meant",
        notes=(
            f"`{need.upstream}` is on the `{side}` side of `{gate}`, what else it waits for is not",
        ),
        severity="warning",
    )
