"""Cloud Composer, Vertex AI Pipelines or neither: what in a spec speaks for which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dagfactory.cost.compare import steps
from dagfactory.cost.jobs import batches, jobs
from dagfactory.cost.words import dollars
from dagfactory.tasks._sweep.model import Sweep

if TYPE_CHECKING:
    from dagfactory.cost.compare import Comparison
    from dagfactory.cost.terms import Cost, Planned

Side = Literal["Composer", "Pipelines", "either"]
SEVERAL, OFTEN, RARE = 5, 8_640, 60
"""Specs that are worth an environment; runs a month, one in five minutes, and two a day."""

_WAITS = ("wait_for_dag", "wait_for_gcs", "wait_for_bigquery", "wait_until", "trigger_dag")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one criterion says, and by what in the spec."""

    criterion: str
    side: Side
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides: the tasks of a spec by their kind, its schedule, and the specs beside it."""

    jobs: tuple[str, ...]
    calls: tuple[str, ...]
    waits: tuple[str, ...]
    special: tuple[str, ...]
    sweeps: tuple[str, ...]
    trials: int
    types: tuple[str, ...]
    runs: float
    scheduled: bool
    by_assets: bool
    workflows: int


def facts_of(plan: Planned, cost: Cost, workflows: int) -> Facts:
    """Return what decides about a plan that has so many specs beside it, itself counted."""
    every, schedule = list(jobs(plan)), plan.pipeline.schedule
    calls = steps(plan.tasks)
    waits = [name for name in calls if plan.tasks[name].task.type in _WAITS]
    sweeps = [each for each in every if isinstance(each.task, Sweep)]
    special = [
        each.name
        for each in every
        if each.machine.fallback or each.task.field("pack") or each.task.field("halving")
    ]
    return Facts(
        jobs=tuple(each.name for each in every),
        calls=tuple(calls),
        waits=tuple(waits),
        special=tuple(special),
        sweeps=tuple(each.name for each in sweeps),
        trials=sum(batch.trials for each in sweeps for batch in batches(plan, each.task)),
        types=tuple(sorted({plan.tasks[name].task.type for name in calls})),
        runs=cost.runs.count,
        scheduled=schedule is not None,
        by_assets=bool(schedule and schedule.assets),
        workflows=workflows,
    )


def verdicts(facts: Facts, comparison: Comparison) -> list[Verdict]:
    """Return what each criterion says."""
    made = [Verdict(name, *judge(facts)) for name, judge in _CRITERIA]
    made.insert(3, Verdict("cost", *_cost(comparison)))
    return made


def _simplicity(facts: Facts) -> tuple[Side, str]:
    if facts.waits or facts.by_assets:
        what = _some(facts.waits) if facts.waits else "its schedule"
        return "Composer", f"it waits for others ({what}); a step of Pipelines pays meanwhile"
    if facts.calls:
        many = (
            "1 task is no job" if len(facts.calls) == 1 else f"{len(facts.calls)} tasks are no jobs"
        )
        what = f"{many} ({', '.join(facts.types[:3])})"
        return "Composer", f"{what}: operators here, containers of their own there"
    return "Pipelines", "all tasks are jobs, and no server stands between them"


def _maintainability(facts: Facts) -> tuple[Side, str]:
    if facts.workflows >= SEVERAL:
        return "Composer", f"{facts.workflows} specs share its pools, alerts and web UI"
    which = "one spec has" if facts.workflows == 1 else f"{facts.workflows} specs have"
    return "Pipelines", f"{which} to bear the care of an environment: versions, size, network"


def _scalability(facts: Facts) -> tuple[Side, str]:
    if facts.runs > OFTEN:
        return "Composer", "a run every few minutes: each of Pipelines starts machines of its own"
    if facts.sweeps:
        trials = f"the {facts.trials:,} trials of {_some(facts.sweeps)}"
        return "either", f"{trials} are jobs of Vertex AI on both sides"
    if facts.runs < RARE:
        return "Pipelines", "nothing is paid between its runs, which are few"
    return "either", "jobs run on Vertex AI on both sides"


def _ml(facts: Facts) -> tuple[Side, str]:
    if facts.special:
        what = f"fallbacks, packs or rungs ({_some(facts.special)})"
        return "Composer", f"{what} are what dagfactory's runtime does in Airflow"
    return "Pipelines", "lineage of artifacts and caching of steps come with it"


def _community(facts: Facts) -> tuple[Side, str]:
    if facts.calls:
        return "Composer", "Airflow has operators for nearly every service, and many who know it"
    return "either", "training on Vertex AI is documented for both"


def _cost(comparison: Comparison) -> tuple[Side, str]:
    here, there, most = comparison.composer, comparison.pipelines, comparison.break_even
    if there is None or most is None:
        return "either", "not known: steps of Pipelines have no price here"
    if here is None:
        return "either", f"Composer, if this pipeline's part of it is below {dollars(most)} a month"
    cheaper: Side = "Composer" if here < there else "Pipelines"
    return cheaper, f"{dollars(here)} on Composer, {dollars(there)} on Pipelines, a month"


_CRITERIA: tuple[tuple[str, Callable[[Facts], tuple[Side, str]]], ...] = (
    ("simplicity", _simplicity),
    ("maintainability", _maintainability),
    ("scalability", _scalability),
    ("ML features", _ml),
    ("community", _community),
)


def neither(facts: Facts) -> Iterator[str]:
    """Yield when a spec needs none of the two."""
    if not facts.jobs:
        yield "no job of Vertex AI: Cloud Workflows, or scheduled queries, may do"
    if facts.runs > OFTEN:
        yield "a run every few minutes: a service, or a stream of Dataflow, may be what is meant"
    alone = len(facts.jobs) == 1 and not facts.calls
    if alone and facts.sweeps:
        yield f"`{facts.jobs[0]}` is a search alone: a hyperparameter tuning job does that"
    elif alone and not facts.scheduled:
        yield f"`{facts.jobs[0]}` is one job without a schedule: `gcloud ai custom-jobs create`"
    elif alone:
        yield f"`{facts.jobs[0]}` is one job: Cloud Scheduler can start it"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"`{names[0]}`{more}"
