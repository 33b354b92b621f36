"""The jobs of a run: training, sweeps, evaluation, on their machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dagfactory.cost.hours import hours_of, lost
from dagfactory.cost.rates import Rates, disk_parts, machine_parts
from dagfactory.cost.terms import Term, Work
from dagfactory.language.job import Disk, JobTask, Machine
from dagfactory.runtime.halving import trial_slots
from dagfactory.tasks._sweep.counts import pack_count, trial_count
from dagfactory.tasks._sweep.model import Sweep
from dagfactory.tasks._sweep.search import MOST_COMBINATIONS, combinations
from dagfactory.tasks.sweep import definition

if TYPE_CHECKING:
    from dagfactory.cost.terms import Kind, Planned
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.task import TaskBase


@dataclass(frozen=True, slots=True)
class Job:
    """A task that runs jobs, with its machine and the place where that stands."""

    name: str
    task: JobTask
    machine: Machine
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that are alike: how many, of how many trials, how long next to the longest ones."""

    jobs: int
    trials: int = 0
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for in place of what the spec says."""

    region: str = ""
    provisioning: str = ""


AS_WRITTEN = Change()


def jobs(plan: Planned) -> Iterator[Job]:
    """Yield the tasks that run jobs, but those on machines that are there anyway."""
    default = plan.pipeline.defaults.machine
    for name, item in plan.tasks.items():
        task = item.task
        if not isinstance(task, JobTask) or task.persistent_resource:
            continue
        if task.machine:
            yield Job(name, task, task.machine, (*item.path, "machine", "type"))
        elif default:
            yield Job(name, task, default, ("defaults", "machine", "type"))


def batches(plan: Planned, task: JobTask) -> list[Batch]:
    """Return the jobs that a task starts in a run; those of halving have one batch for each rung."""
    if not isinstance(task, Sweep):
        return [Batch(times(task))]
    if task.method == "bayes":
        return [Batch(task.trials or 1, task.trials or 1)]
    # so many are another check's finding, and counting them one by one takes minutes
    if combinations(task) > MOST_COMBINATIONS:
        upper = combinations(task) * max(len(task.seeds), 1)
        return [Batch(upper, upper)]
    compact = definition(task, plan.pipeline)
    if "rungs" in compact:
        budgets = compact["rungs"]["budgets"]
        slots = [trial_slots(compact, rung) for rung in range(len(budgets))]
        pairs = zip(slots, budgets, strict=True)
        return [Batch(size, size, budget / budgets[-1]) for size, budget in pairs]
    trials = trial_count(compact)
    return [Batch(pack_count(compact) if "pack" in compact else trials, trials)]


def times(task: TaskBase) -> int:
    """Return how often a run has a task; once for a list that only a run knows."""
    return len(task.for_each) if isinstance(task.for_each, list) else 1


def works(plan: Planned, job: Job, change: Change = AS_WRITTEN) -> list[Work]:
    """Return the hours of a task's jobs, those of each batch; they have no price."""
    one, kind = _one_work(plan, job, change)
    return [_batch_work(one, kind, batch) for batch in batches(plan, job.task)]


def _one_work(plan: Planned, job: Job, change: Change) -> tuple[Work, Kind]:
    """Return the hours of one job, and where they come from."""
    machine, usage = job.machine, plan.pipeline.usage
    way = change.provisioning or machine.provisioning
    hours = hours_of(usage, job.name)
    own = plan.environment.region if plan.environment else ""
    work = Work(
        machine=machine.type,
        region=change.region or own,
        provisioning=way,
        hours=hours.value,
        replicas=machine.replicas,
        lost=lost(usage, hours, way),
    )
    return work, hours.kind


def _batch_work(one: Work, kind: Kind, batch: Batch) -> Work:
    # the mean over the jobs of all rungs was measured, short ones and long ones
    hours = one.hours * (1.0 if kind == "measured" else batch.share)
    return replace(one, jobs=batch.jobs, trials=batch.trials, hours=hours)


def job_terms(plan: Planned, job: Job, rates: Rates, change: Change = AS_WRITTEN) -> list[Term]:
    """Return the terms of a task's jobs; raises UnknownPriceError."""
    one = one_job(plan, job, rates, change)
    found = batches(plan, job.task)
    names = [f"{job.name}, rung {n}" if len(found) > 1 else job.name for n in range(len(found))]
    return [_of_batch(one, name, batch) for name, batch in zip(names, found, strict=True)]


def one_job(plan: Planned, job: Job, rates: Rates, change: Change = AS_WRITTEN) -> Term:
    """Return what one of a task's jobs costs; raises UnknownPriceError."""
    machine, own = job.machine, plan.environment.region if plan.environment else ""
    work, kind = _one_work(plan, job, change)
    region, way = work.region, work.provisioning
    parts = machine_parts(rates, machine.type, machine.accelerator, region, way)
    disk = machine.disk or Disk()
    # a region must not look cheaper because nobody knows the price of its disks
    parts += disk_parts(rates, disk, region) or disk_parts(rates, disk, own)
    what = f"{_words(job)} {way.replace('_', '-')}"
    return Term(job.name, what, work.machine_hours, "hour", kind, parts, work, job.path)


def _of_batch(one: Term, name: str, batch: Batch) -> Term:
    if one.work is None:
        return one
    work = _batch_work(one.work, one.kind, batch)
    return replace(one, name=name, amount=work.machine_hours, work=work)


def _words(job: Job) -> str:
    gpu = job.machine.accelerator
    attached = f" + {gpu.count} x {gpu.type.removeprefix('NVIDIA_')}" if gpu else ""
    return f"{job.machine.type}{attached}"
