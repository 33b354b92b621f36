"""`priced`: what a run and a month of a plan cost, term by term."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from dagfactory.cost import services
from dagfactory.cost.jobs import job_terms, jobs
from dagfactory.cost.rates import Rates, UnknownPriceError, rates_of
from dagfactory.cost.runs import runs_of
from dagfactory.cost.terms import Cost, Term
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten

if TYPE_CHECKING:
    from dagfactory.cost.terms import Planned
    from dagfactory.diagnostics.span import KeyPath

_Maker: TypeAlias = "tuple[KeyPath, Callable[[], Iterable[Term]]]"
"""What makes terms, and the place of the machine that they are of."""

_OF_A_RUN = {
    "batch_predict": services.prediction,
    "bigquery": services.query,
    "gate": services.query,
    "pipeline": services.pipeline_run,
}
OWN_PRICE = "write what it costs into the environment's `prices:`, with day and source"


def priced(plan: Planned) -> Cost:
    """Return what a plan costs in its environment, dearest terms first.

    A machine without a price is one of the `problems`, with a pointer from the pipeline's root.
    """
    rates, problems = rates_of(plan.environment), list[Diagnostic]()
    run = _terms(_of_a_run(plan, rates), problems)
    standing = _terms(_of_a_month(plan, rates), problems)
    environment = plan.environment
    return Cost(
        pipeline=plan.pipeline.pipeline,
        environment=environment.environment if environment else "",
        region=environment.region if environment else "",
        run=run,
        standing=standing,
        runs=runs_of(plan.pipeline),
        problems=tuple(problems),
        notes=tuple(services.notes(plan, rates)),
    )


def _of_a_run(plan: Planned, rates: Rates) -> Iterator[_Maker]:
    for job in jobs(plan):
        yield job.path, partial(job_terms, plan, job, rates)
    for name, item in plan.tasks.items():
        if item.task.type in _OF_A_RUN:
            make = partial(_OF_A_RUN[item.task.type], plan, name, item, rates)
            yield (*item.path, "machine", "type"), make


def _of_a_month(plan: Planned, rates: Rates) -> Iterator[_Maker]:
    for name, item in plan.tasks.items():
        if item.task.type == "deploy":
            make = partial(services.endpoint, plan, name, item, rates)
            yield (*item.path, "machine", "type"), make
    yield (), partial(services.storage, plan, rates)
    yield (), partial(services.composer, plan, rates)


def _terms(makers: Iterable[_Maker], problems: list[Diagnostic]) -> tuple[Term, ...]:
    """Return all terms, dearest first; what has no price is added to the problems."""
    found: list[Term] = []
    for path, make in makers:
        try:
            found += make()
        except UnknownPriceError as error:
            problems.append(_unknown(error, path))
    return tuple(sorted(found, key=lambda each: -each.usd))


def _unknown(error: UnknownPriceError, path: KeyPath) -> Diagnostic:
    way = error.way.replace("_", "-")
    message = f"no price is known of `{shorten(error.name)}` in `{error.region}`, {way}"
    return Diagnostic("DF335", message, Pointer(path), OWN_PRICE)
