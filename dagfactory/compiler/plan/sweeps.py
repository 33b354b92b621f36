"""What the sweeps of a plan will run, in a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan


def sweep_lines(plan: Plan) -> list[str]:
    """Return a line for each sweep: its trials, hours and dollars."""
    if all(item.task.type != "sweep" for item in plan.tasks.values()):
        return []
    # imported for a sweep only: prices and the models of a sweep take their time
    from dagfactory.cost.trials import previews

    return [each.line for each in previews(plan)]
