"""`cost --measure`: past jobs become the usage file of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dagfactory.cost import vertex
from dagfactory.cost.jobs import jobs
from dagfactory.cost.measured import Ran, ran, usage_of
from dagfactory.cost.rates import UnknownPriceError, rates_of
from dagfactory.cost.words import amount, dollars
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.project.files import plainly, write_atomic
from dagfactory.project.specs import USAGE, beside
from dagfactory.rest.google_client import GoogleClient
from dagfactory.runtime.labels import label

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.cost.rates import Rates
    from dagfactory.language.usage import TaskUsage, Usage

_STAGES = ("", ".trial", ".best", *(f".rung_{number}" for number in range(20)))
"""What follows a task's id in Airflow where a task of a spec is several there."""


def measure(plan: Plan, spec: Path) -> str:
    """Write the usage file of a pipeline from its past jobs; return what was found as text.

    Raises DagfactoryError when there are none, or when Vertex AI cannot be asked.
    """
    found = by_task(plan, _past_jobs(plan))
    if not found:
        raise DagfactoryError(f"no job of `{plan.pipeline.pipeline}` has ended yet")
    day = datetime.now(UTC)
    made = {name: usage_of(each, day) for name, each in found.items()}
    path = usage_path(spec, plan.pipeline.pipeline)
    with plainly():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, _text(plan.pipeline.usage, made).encode())
    return "\n".join([*_lines(found, made, rates_of(plan.environment)), f"written to {path}", ""])


def _past_jobs(plan: Plan) -> Iterator[Ran]:
    environment = plan.environment
    if environment is None:
        raise DagfactoryError("past jobs are those of an environment; add `--env NAME`")
    others = (each.region for job in jobs(plan) for each in job.machine.fallback if each.region)
    with GoogleClient() as google:
        for region in dict.fromkeys((environment.region, *others)):
            for each in vertex.jobs(google, environment.project, region, plan.pipeline.pipeline):
                yield from ran(each)


def by_task(plan: Plan, past: Iterable[Ran]) -> dict[str, list[Ran]]:
    """Return past jobs by the task of the spec that started them; those of tasks now gone are left out."""
    names = {
        label(f"{plan.tasks[job.name].context.airflow_id}{stage}"): job.name
        for job in jobs(plan)
        for stage in _STAGES
    }
    found: dict[str, list[Ran]] = {}
    for each in past:
        if each.task in names:
            found.setdefault(names[each.task], []).append(each)
    return found


def usage_path(spec: Path, pipeline: str) -> Path:
    """Return where the usage file of a pipeline is, or would be: with the environments' folder."""
    folder = beside(spec, USAGE)
    environments = beside(spec, "environments")
    parent = environments.parent if environments else spec.parent
    return (folder or parent / USAGE) / f"{pipeline}.yaml"


def _text(before: Usage, measured: Mapping[str, TaskUsage]) -> str:
    """Return the usage file: what was measured, and all else as it was."""
    tasks = {**before.tasks}
    for name, each in measured.items():
        kept = tasks[name].model_dump(exclude_unset=True) if name in tasks else {}
        new = {"hours": each.hours, "measured": each.measured}
        tasks[name] = each.model_copy(update={**kept, **new})
    made = before.model_copy(update={"tasks": tasks})
    data = made.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    head = "# How much the pipeline uses; `dagfactory cost --measure` writes what past jobs say.\n"
    return head + yaml.safe_dump(data, sort_keys=False)


def _lines(
    found: Mapping[str, Sequence[Ran]], made: Mapping[str, TaskUsage], rates: Rates
) -> list[str]:
    """Lay out what was found: one line for each task."""
    rows = []
    for name, each in made.items():
        said = each.measured
        if said:
            numbers = (said.jobs, said.failed, said.preempted, said.total, said.median, said.p90)
            rows.append((name, *map(amount, numbers), spent(found[name], rates)))
    return table(("TASK", "JOBS", "FAILED", "PREEMPTED", "HOURS", "MEDIAN", "P90", "SPENT"), rows)


def spent(past: Iterable[Ran], rates: Rates) -> str:
    """Return what jobs have cost, or of what no price is known."""
    try:
        return dollars(sum(each.usd(rates) for each in past))
    except UnknownPriceError as error:
        return str(error)
