"""Machines and GPUs that cannot be had: unknown ones, not in this region, not sold on demand.

Sources: dagfactory/catalogue/regions.csv; the enum AcceleratorType of Vertex AI's API; for A3 High with fewer
than 8 GPUs (Spot and flex-start only) https://cloud.google.com/compute/docs/gpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import shapes
from dagfactory.compiler.lint._jobs import Job, jobs
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

ACCELERATORS = (
    "NVIDIA_TESLA_P100",
    "NVIDIA_TESLA_V100",
    "NVIDIA_TESLA_P4",
    "NVIDIA_TESLA_T4",
    "NVIDIA_TESLA_A100",
    "NVIDIA_A100_80GB",
    "NVIDIA_L4",
    "NVIDIA_H100_80GB",
    "NVIDIA_H100_MEGA_80GB",
    "NVIDIA_H200_141GB",
    "NVIDIA_B200",
    "NVIDIA_GB200",
    "NVIDIA_RTX_PRO_6000",
)
NEVER_ON_DEMAND = ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g")


@dataclass(frozen=True, slots=True)
class _Choice:
    """One way a job may get its machine: as written, or one of its fallbacks."""

    type: str
    type_path: KeyPath
    region: str
    region_path: KeyPath
    provisioning: str
    provisioning_path: KeyPath


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find what a job or a deployment could not get."""
    region = plan.environment.region if plan.environment else ""
    for job in jobs(plan):
        for choice in _choices(job, region):
            yield from _machine(choice)
        yield from _accelerator(job.machine, job.machine_path)
    for item in plan.tasks.values():
        if item.task.type == "deploy":
            machine, path = item.task.field("machine"), (*item.path, "machine")
            yield from _unknown(getattr(machine, "type", ""), (*path, "type"))
            yield from _accelerator(machine, path)


def _choices(job: Job, region: str) -> Iterator[_Choice]:
    machine, path = job.machine, job.machine_path
    type_path = (*path, "type")
    # an absent key has no place to show, so a finding about the default stands at the type
    stated = "provisioning" in machine.model_fields_set
    provisioning_path = (*path, "provisioning") if stated else type_path
    yield _Choice(
        machine.type, type_path, region, type_path, machine.provisioning, provisioning_path
    )
    for index, each in enumerate(machine.fallback):
        here = (*path, "fallback", index)
        yield _Choice(
            each.type or machine.type,
            (*here, "type") if each.type else here,
            each.region or region,
            (*here, "region") if each.region else here,
            each.provisioning or machine.provisioning,
            (*here, "provisioning") if each.provisioning else here,
        )


def _machine(choice: _Choice) -> Iterator[Diagnostic]:
    yield from _unknown(choice.type, choice.type_path)
    offered = regions().get(choice.type)
    # a region that the list lacks altogether is newer than the list, or a reference
    if offered and choice.region and choice.region not in offered and known(choice.region):
        yield Diagnostic(
            "DF307",
            f"`{choice.region}` offers no `{choice.type}`",
            Pointer(choice.region_path),
            help=_elsewhere(choice.region, offered),
            notes=("by the price list of Compute Engine of 2026-07-30",),
            severity="warning",
        )
    if choice.type in NEVER_ON_DEMAND and choice.provisioning == "standard":
        yield Diagnostic(
            "DF309",
            f"`{choice.type}` is not sold on demand",
            Pointer(choice.provisioning_path),
            help="write `provisioning: spot` or `provisioning: flex_start`, or use `a3-highgpu-8g`",
        )


def _unknown(name: str, path: KeyPath) -> Iterator[Diagnostic]:
    """Find sizes that a family of GPU machines does not have; other families are not listed."""
    family = name.rpartition("-")[0]
    sizes = [each for each, shape in shapes().items() if shape.gpus and _family(each) == family]
    # a warning, for Google may sell a size that is newer than the list
    if sizes and name not in sizes:
        help_ = did_you_mean(name, sizes, "sizes")
        message = f"there is no machine `{name}`"
        yield Diagnostic("DF307", message, Pointer(path), help=help_, severity="warning")


def _family(name: str) -> str:
    return name.rpartition("-")[0]


def _accelerator(machine: object, path: KeyPath) -> Iterator[Diagnostic]:
    attached = getattr(machine, "accelerator", None)
    if attached and attached.type not in ACCELERATORS:
        yield Diagnostic(
            "DF308",
            f"Vertex AI knows no GPU `{attached.type}`",
            Pointer((*path, "accelerator", "type")),
            help=did_you_mean(_vertex_style(attached.type), ACCELERATORS),
            severity="warning",
        )


def _vertex_style(name: str) -> str:
    """Turn other services' names (`nvidia-tesla-t4`, `T4`) into a text near to Vertex AI's."""
    upper = name.upper().replace("-", "_")
    short = [each for each in ACCELERATORS if upper.removeprefix("NVIDIA_") in each.split("_")]
    return short[0] if short else upper


def _elsewhere(region: str, offered: frozenset[str]) -> str:
    """Name regions that offer it, those of the same part of the world first."""
    world = region.partition("-")[0]
    near = sorted(offered, key=lambda each: (each.partition("-")[0] != world, each))
    return "offered in " + ", ".join(f"`{each}`" for each in near[:3])


@cache
def regions() -> dict[str, frozenset[str]]:
    """Return the regions with a list price for each machine type that has one."""
    text = files("dagfactory.catalogue").joinpath("regions.csv").read_text(encoding="utf-8")
    rows = [line.partition(",") for line in text.splitlines() if not line.startswith("#")]
    return {name: frozenset(listed.split()) for name, _, listed in rows[1:]}


def known(region: str) -> bool:
    """Whether the price list knows a region at all."""
    return any(region in each for each in regions().values())
