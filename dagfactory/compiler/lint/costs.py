"""Pipelines that cost more than their budget, and sweeps whose size nobody may have meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import offering
from dagfactory.compiler.lint._machines import Choice, choices
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.diagnostic import Diagnostic


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find what a run or a month costs too much."""
    kinds = {item.task.type for item in plan.tasks.values()}
    if plan.environment is None or not (plan.pipeline.budget or "sweep" in kinds):
        return
    # imported for a budget or a sweep only: the models of a sweep take their time
    from dagfactory.cost.budget import large_sweeps, over_budget
    from dagfactory.cost.estimate import priced

    yield from large_sweeps(plan)
    if plan.pipeline.budget is None:
        return
    cost = priced(plan)
    yield from over_budget(plan, cost)
    said = {each.type_path for each in choices(plan) if not _can_be_had(each)}
    for problem in cost.problems:
        # of a machine that is wrong, or not offered there, other checks say so
        if isinstance(problem.place, Pointer) and problem.place.path not in said:
            yield problem


def _can_be_had(choice: Choice) -> bool:
    """Whether a machine exists, is offered in its region, and is sold the way that is asked for."""
    shape = choice.shape
    if shape is None or choice.provisioning not in shape.ways(choice.gpu):
        return False
    wanted = shape.tpu or choice.gpu
    return not wanted or choice.region in offering(wanted)
