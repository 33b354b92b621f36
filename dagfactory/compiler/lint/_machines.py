"""What the checks of machines ask: which machines a plan's jobs may get, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import Shape, listed_on, shapes
from dagfactory.compiler.lint._jobs import Job, jobs

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.job import Accelerator

WAY_ON = "vouch for a newer machine in the environment's `machines:`"


@dataclass(frozen=True, slots=True)
class Choice:
    """One way a job may get its machine, as written or a fallback; `own` tells what it states itself."""

    job: Job
    type: str
    type_path: KeyPath
    region: str
    region_path: KeyPath
    provisioning: str
    provisioning_path: KeyPath
    accelerator: Accelerator | None
    accelerator_path: KeyPath
    own: frozenset[str]

    @property
    def shape(self) -> Shape | None:
        """Return the machine, if it is listed."""
        return shapes().get(self.type)

    @property
    def gpu(self) -> str:
        """Return the name of the accelerator that is built in or attached, empty without one."""
        if self.shape and self.shape.accelerator:
            return self.shape.accelerator
        return self.accelerator.type if self.accelerator else ""


def choices(plan: Plan) -> Iterator[Choice]:
    """Yield every way to get a machine, but for machines that the environment vouches for."""
    region = plan.environment.region if plan.environment else ""
    for job in jobs(plan):
        for choice in (_as_written(job, region), *_fallbacks(job, region)):
            if choice.type not in vouched_for(plan):
                yield choice


def vouched_for(plan: Plan) -> list[str]:
    """Return the machine types that the environment says to take as they are."""
    return plan.environment.machines if plan.environment else []


def sources() -> tuple[str, ...]:
    """Return the notes that say whose lists a finding goes by, and what to do when they are old."""
    return (f"by Google's lists of {listed_on()}; {WAY_ON}",)


def _as_written(job: Job, region: str) -> Choice:
    machine, path = job.machine, job.machine_path
    type_path = (*path, "type")
    # an absent key has no place to show, so a finding about the default stands at the type
    stated = "provisioning" in machine.model_fields_set
    provisioning_path = (*path, "provisioning") if stated else type_path
    return Choice(
        job,
        machine.type,
        type_path,
        region,
        type_path,
        machine.provisioning,
        provisioning_path,
        machine.accelerator,
        (*path, "accelerator"),
        frozenset({"type", "accelerator"}),
    )


def _fallbacks(job: Job, region: str) -> Iterator[Choice]:
    machine = job.machine
    for index, each in enumerate(machine.fallback):
        here = (*job.machine_path, "fallback", index)
        yield Choice(
            job,
            each.type or machine.type,
            (*here, "type") if each.type else here,
            each.region or region,
            (*here, "region") if each.region else here,
            each.provisioning or machine.provisioning,
            (*here, "provisioning") if each.provisioning else here,
            each.accelerator or machine.accelerator,
            (*here, "accelerator") if each.accelerator else (*here, "type") if each.type else here,
            frozenset(key for key in ("type", "accelerator") if getattr(each, key)),
        )
