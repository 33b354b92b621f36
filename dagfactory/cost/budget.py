"""Whether a plan stays within its budget, and sweeps that cost more than anybody meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dagfactory.cost.jobs import job_terms, jobs, one_job
from dagfactory.cost.rates import UnknownPriceError, rates_of
from dagfactory.cost.terms import total
from dagfactory.cost.words import dollars, formula, whole
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Pointer
from dagfactory.tasks._sweep.model import MAX_TRIALS, Sweep
from dagfactory.tasks._sweep.search import combinations

if TYPE_CHECKING:
    from dagfactory.cost.jobs import Job
    from dagfactory.cost.terms import Cost, Planned, Term

MEANT = 10_000
"""US dollars that a sweep may cost in a run before somebody has to say that it is meant."""


class _Limit(NamedTuple):
    key: str
    most: float | None
    usd: float
    terms: tuple[Term, ...]


def over_budget(plan: Planned, cost: Cost) -> Iterator[Diagnostic]:
    """Find a run or a month that costs more than its budget, and name the dearest term."""
    budget = plan.pipeline.budget
    if budget is None:
        return
    month = (*(_times(each, cost.runs.count) for each in cost.run), *cost.standing)
    limits = (
        _Limit("run", budget.run, cost.run_usd, cost.run),
        _Limit("month", budget.month, cost.month_usd, month),
    )
    for each in limits:
        if each.most is not None and each.usd > each.most:
            yield _over(each, each.most)


def _times(term: Term, runs: float) -> Term:
    return replace(term, amount=term.amount * runs)


def _over(limit: _Limit, most: float) -> Diagnostic:
    first = max(limit.terms, key=lambda each: each.usd)
    share = f"{first.usd / limit.usd:.0%}"
    message = f"a {limit.key} costs {dollars(limit.usd)}, more than its budget of {dollars(most)}"
    help_ = f"make `{first.name}` cheaper, or write `{limit.key}: {whole(limit.usd)}`"
    note = f"`{first.name}` is {dollars(first.usd)} of it ({share}): {formula(first)}"
    labels = (Label(Pointer(first.path), f"{share} of it"),) if first.path else ()
    return Diagnostic("DF334", message, Pointer(("budget", limit.key)), help_, (note,), labels)


def large_sweeps(plan: Planned) -> Iterator[Diagnostic]:
    """Find sweeps of a size that nobody may have meant; a budget for a run says that it is."""
    budget = plan.pipeline.budget
    if budget and budget.run:
        return
    rates = rates_of(plan.environment)
    for job in jobs(plan):
        if not isinstance(job.task, Sweep) or combinations(job.task) > MAX_TRIALS:
            continue  # more trials than a sweep may have are an error anyway
        try:
            # before the trials are counted one by one, which takes its time
            if _most_jobs(job.task) * one_job(plan, job, rates).usd <= MEANT:
                continue
        except UnknownPriceError:
            continue
        terms = job_terms(plan, job, rates)
        if total(terms) > MEANT:
            yield _large(job, terms, (*plan.tasks[job.name].path, "parameters"))


def _most_jobs(task: Sweep) -> int:
    return (combinations(task) + len(task.include)) * max(len(task.seeds), 1)


def _large(job: Job, terms: list[Term], path: tuple[str | int, ...]) -> Diagnostic:
    usd, count = total(terms), int(sum(each.work.jobs for each in terms if each.work))
    message = f"`{job.name}` starts {count:,} jobs, about {dollars(usd)} a run"
    help_ = f"try fewer combinations, or write `budget: {{run: {whole(usd)}}}` if it is meant"
    return Diagnostic(
        "DF336", message, Pointer(path, key=True), help_, (formula(terms[-1]),), severity="warning"
    )
