"""Past jobs as Vertex AI tells of them: how long they took, and what they have cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from statistics import median
from typing import Any

from dagfactory.cost.rates import Rates, disk_parts, machine_parts
from dagfactory.language.job import Accelerator, Disk
from dagfactory.language.usage import Measured, TaskUsage
from dagfactory.runtime.labels import PREFIX

_WAYS = {"SPOT": "spot", "FLEX_START": "flex_start"}
_DIGITS = 6
"""Digits of hours in a usage file: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One job that has ended: on which machines, for how long, and how it ended."""

    task: str
    machine: str
    accelerator: Accelerator | None
    disk: Disk
    region: str
    provisioning: str
    replicas: int
    hours: float
    succeeded: bool
    preempted: bool

    def usd(self, rates: Rates) -> float:
        """Return what it has cost; raises UnknownPriceError."""
        parts = machine_parts(rates, self.machine, self.accelerator, self.region, self.provisioning)
        parts += disk_parts(rates, self.disk, self.region)
        return self.replicas * self.hours * sum(each.usd for each in parts)


def ran(resource: Mapping[str, Any]) -> Iterator[Ran]:
    """Yield the jobs of a training pipeline, or of a hyperparameter tuning job, that had machines."""
    label = resource.get("labels", {}).get(f"{PREFIX}task", "")
    region = str(resource["name"]).split("/")[3]
    spec = resource.get("trialJobSpec") or resource.get("trainingTaskInputs") or {}
    # the trials of a search have times of their own, and it runs several of them at once
    for each in resource.get("trials") or [resource]:
        hours = _hours(each)
        if hours is not None and spec.get("workerPoolSpecs"):
            yield _ran(label, region, spec, each, hours)


def _ran(
    task: str, region: str, spec: Mapping[str, Any], job: Mapping[str, Any], hours: float
) -> Ran:
    pools = spec["workerPoolSpecs"]
    machine, disk = pools[0]["machineSpec"], pools[0].get("diskSpec", {})
    kind, size = disk.get("bootDiskType", "pd-ssd"), int(disk.get("bootDiskSizeGb", 100))
    error = str((job.get("error") or {}).get("message", ""))
    return Ran(
        task=task,
        machine=machine["machineType"],
        accelerator=_accelerator(machine),
        disk=Disk.model_construct(type=kind, size_gb=size),
        region=region,
        provisioning=_WAYS.get(str(spec.get("scheduling", {}).get("strategy")), "standard"),
        replicas=sum(int(each.get("replicaCount", 1)) for each in pools),
        hours=hours,
        succeeded=str(job.get("state", "")).endswith("SUCCEEDED"),
        preempted="preempt" in error.lower(),
    )


def _accelerator(machine: Mapping[str, Any]) -> Accelerator | None:
    name, number = machine.get("acceleratorType"), int(machine.get("acceleratorCount") or 0)
    return Accelerator(type=str(name), count=number) if name and number else None


def _hours(job: Mapping[str, Any]) -> float | None:
    """Return the hours between a job's start and its end; None for one that had no machines, or has them."""
    times = [job.get("startTime"), job.get("endTime")]
    if None in times:
        return None
    start, end = (datetime.fromisoformat(str(each)) for each in times)
    return (end - start).total_seconds() / 3600


def usage_of(jobs: Sequence[Ran], day: datetime) -> TaskUsage:
    """Return what a task uses, by its jobs: a job's hours have those of its failed tries in them."""
    hours = sorted(each.hours for each in jobs)
    good = [each.hours for each in jobs if each.succeeded]
    total = sum(hours)
    made = {
        "jobs": len(jobs),
        "failed": len(jobs) - len(good),
        "preempted": sum(each.preempted for each in jobs),
        "total": round(total, _DIGITS),
        "median": round(median(good or hours), _DIGITS),
        "p90": round(hours[ceil(9 * len(hours) / 10) - 1], _DIGITS),
        "until": f"{day:%Y-%m-%d}",
    }
    mean = max(round(total / (len(good) or len(hours)), _DIGITS), 10**-_DIGITS)
    return TaskUsage(hours=mean, measured=Measured.model_validate(made))
