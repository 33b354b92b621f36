"""What several checks ask about a plan's jobs: which there are and on which machines they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.language.job import JobTask, Machine

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath


@dataclass(frozen=True, slots=True)
class Job:
    """A job with its machine and the path where the machine stands: the task's or the defaults'."""

    item: PlannedTask
    task: JobTask
    machine: Machine
    machine_path: KeyPath

    @property
    def spot(self) -> bool:
        """Whether any attempt to get the machine asks for Spot."""
        # a job that falls back to Spot can be preempted as well
        ways = (self.machine.provisioning, *(each.provisioning for each in self.machine.fallback))
        return "spot" in ways


def jobs(plan: Plan) -> Iterator[Job]:
    """Yield every task that runs a job, in spec order."""
    default = plan.pipeline.defaults.machine
    for item in plan.tasks.values():
        task = item.task
        if not isinstance(task, JobTask):
            continue
        if task.machine:
            yield Job(item, task, task.machine, (*item.path, "machine"))
        elif default:
            yield Job(item, task, default, ("defaults", "machine"))
