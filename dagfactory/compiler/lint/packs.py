"""Packs that hold one trial each: jobs are as many as without, for the price of the word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.tasks import task_type

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find sweeps in which no two trials share a job."""
    for item in plan.tasks.values():
        if item.task.field("pack"):
            yield from _single_trial_packs(plan, item)


def _single_trial_packs(plan: Plan, item: PlannedTask) -> Iterator[Diagnostic]:
    # imported for a pack only: a spec without one need not pay for the models of a sweep
    from dagfactory.tasks._sweep.counts import pack_count, trial_count
    from dagfactory.tasks._sweep.model import Sweep
    from dagfactory.tasks.sweep import definition

    if not isinstance(item.task, Sweep) or any(_problems(plan, item)):
        return
    compact = definition(item.task, plan.pipeline)
    total = trial_count(compact)
    if total > 1 and pack_count(compact) == total:
        yield Diagnostic(
            "DF324",
            f"no two of the {total} trials share a job, so packing does nothing",
            Pointer((*item.path, "pack"), key=True),
            help=_help(compact["shape"]),
            severity="warning",
        )


def _problems(plan: Plan, item: PlannedTask) -> Iterable[Diagnostic]:
    """Return what is wrong with a sweep: trials that cannot be may well share no job."""
    return task_type(item.task.type).problems(item.task, plan.pipeline, plan.environment)


def _help(shape: list[str]) -> str:
    """Say what keeps the trials apart."""
    apart = ", ".join(f"`{name}`" for name in shape)
    return f"the trials of a job are equal in {apart}: delete `pack`"
