"""Cloud Composer beside Vertex AI Pipelines: what a month of a plan costs on each, like for like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dagfactory.cost.rates import Rates, UnknownPriceError, rates_of
from dagfactory.cost.terms import Term, total
from dagfactory.cost.words import counted
from dagfactory.language.job import JobTask

if TYPE_CHECKING:
    from dagfactory.cost.terms import Cost, Planned, PlannedTask, Rate

STEP = timedelta(minutes=5)
"""What a step of Pipelines that is no job is assumed to take, its machine's start included."""
STEP_MACHINE = "n1-standard-4"
COMPOSER = "Cloud Composer"
_HOUR = timedelta(hours=1)
_NOTHING = ("empty", "group", "pipeline", "_hole")
"""Tasks that run nothing, or the same on either side."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: US dollars a month on both sides; None for what is not known."""

    name: str
    composer: float | None
    pipelines: float | None
    sources: tuple[Rate, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A month of a plan on both sides."""

    rows: tuple[Row, ...]

    @property
    def composer(self) -> float | None:
        """Return what a month costs on Cloud Composer; None where its own price is not known."""
        return _sum([each.composer for each in self.rows])

    @property
    def pipelines(self) -> float | None:
        """Return what a month costs on Vertex AI Pipelines, if all of it is known."""
        return _sum([each.pipelines for each in self.rows])

    @property
    def break_even(self) -> float | None:
        """Return the price of a month of Composer up to which it is the cheaper one."""
        both = self.pipelines, _sum([each.composer for each in self.rows if each.name != COMPOSER])
        return None if None in both else (both[0] or 0.0) - (both[1] or 0.0)


def _sum(amounts: list[float | None]) -> float | None:
    return None if None in amounts else sum(each or 0.0 for each in amounts)


def compared(plan: Planned, cost: Cost) -> Comparison:
    """Return a month of a plan on both sides; what runs on Vertex AI costs the same on either."""
    rates, runs = rates_of(plan.environment), cost.runs.count
    standing = [each for each in cost.standing if each.name != "composer"]
    jobs, beside = runs * cost.run_usd, total(standing)
    run = rates.service("pipeline_run", cost.region)
    own = [each for each in cost.standing if each.name == "composer"]
    return Comparison(
        (
            Row("jobs and queries of the runs", jobs, jobs),
            Row("endpoints and storage", beside, beside),
            _steps(plan, cost, rates),
            Row("runs of Vertex AI Pipelines", 0.0, runs * run.usd if run else None, _rates(run)),
            Row(COMPOSER, total(own) if own else None, 0.0, _sources(own)),
        )
    )


def steps(tasks: Mapping[str, PlannedTask]) -> list[str]:
    """Return the tasks that are calls of services in Airflow, and containers of their own in Pipelines."""
    return [
        name
        for name, item in tasks.items()
        if not isinstance(item.task, JobTask) and item.task.type not in _NOTHING
    ]


def _steps(plan: Planned, cost: Cost, rates: Rates) -> Row:
    """Return what the steps that are no jobs cost: a worker's time in Composer, a machine in Pipelines."""
    hours = list(_hours(plan))
    name = f"{counted(len(hours), 'small step')} a run on {STEP_MACHINE}"
    if not hours:
        return Row("small steps", 0.0, 0.0)
    try:
        rate = rates.machine(STEP_MACHINE, cost.region, "standard")
    except UnknownPriceError:
        return Row(name, 0.0, None)
    return Row(name, 0.0, cost.runs.count * sum(hours) * rate.usd, (rate,))


def _hours(plan: Planned) -> Iterator[float]:
    for name in steps(plan.tasks):
        said = plan.pipeline.usage.tasks.get(name)
        yield said.hours if said and said.hours else STEP / _HOUR


def _rates(rate: Rate | None) -> tuple[Rate, ...]:
    return (rate,) if rate else ()


def _sources(terms: list[Term]) -> tuple[Rate, ...]:
    return tuple(part.rate for each in terms for part in each.parts)
