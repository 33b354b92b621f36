"""What a sweep will run, in a line, before it costs: trials, jobs, hours, dollars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import shapes
from dagfactory.cost.hours import hours_of
from dagfactory.cost.jobs import batches, job_terms, jobs, works
from dagfactory.cost.rates import UnknownPriceError, rates_of
from dagfactory.cost.terms import total
from dagfactory.cost.words import amount, counted, dollars
from dagfactory.tasks._sweep.model import Sweep

if TYPE_CHECKING:
    from dagfactory.cost.jobs import Batch, Job
    from dagfactory.cost.terms import Kind, Planned


@dataclass(frozen=True, slots=True)
class Preview:
    """The jobs of one sweep; hours and dollars are None where nobody knows them.

    `hours` are those of GPUs, or those of machines where `gpus` is 0.
    """

    name: str
    task: Sweep
    batches: tuple[Batch, ...]
    gpus: int = 0
    hours: float | None = None
    kind: Kind = "assumed"
    usd: float | None = None

    @property
    def jobs(self) -> int:
        """Return how many jobs there are."""
        return sum(each.jobs for each in self.batches)

    @property
    def line(self) -> str:
        """Return all of it in a line."""
        parts = [_trials(self), f"{min(self.task.parallel, self.jobs)} at a time"]
        if self.hours is not None:
            unit = "GPU hours" if self.gpus else "machine hours"
            parts.append(f"{amount(round(self.hours, 1))} {unit} ({self.kind})")
        parts.append("no price known" if self.usd is None else f"about {dollars(self.usd)}")
        return f"{self.name}: {', '.join(parts)}"


def previews(plan: Planned) -> Iterator[Preview]:
    """Yield what each sweep of a plan will run."""
    priced = {each.name: each for each in jobs(plan)}
    for name, item in plan.tasks.items():
        if isinstance(item.task, Sweep):
            yield _preview(plan, name, item.task, priced.get(name))


def _preview(plan: Planned, name: str, task: Sweep, job: Job | None) -> Preview:
    found = tuple(batches(plan, task))
    # one that is there anyway has no price of its own
    if job is None:
        return Preview(name, task, found)
    gpus, hours = _gpus(job), sum(each.machine_hours for each in works(plan, job))
    kind = hours_of(plan.pipeline.usage, name).kind
    return Preview(name, task, found, gpus, hours * (gpus or 1), kind, _usd(plan, job))


def _usd(plan: Planned, job: Job) -> float | None:
    try:
        return total(job_terms(plan, job, rates_of(plan.environment)))
    except UnknownPriceError:
        return None


def _gpus(job: Job) -> int:
    """Return how many GPUs one machine has."""
    if job.machine.accelerator:
        return job.machine.accelerator.count
    shape = shapes().get(job.machine.type)
    return shape.gpus if shape else 0


def _trials(preview: Preview) -> str:
    """Say how many trials there are, in how many jobs or rungs."""
    trials = [each.trials for each in preview.batches]
    if len(trials) > 1:
        return f"{' + '.join(f'{each:,}' for each in trials)} trials in {len(trials)} rungs"
    said = f"{trials[0]:,} trial{'' if trials[0] == 1 else 's'}"
    if preview.task.method == "bayes":
        return f"{said} that Vertex AI chooses"
    return said if preview.jobs == trials[0] else f"{said} in {counted(preview.jobs, 'job')}"
