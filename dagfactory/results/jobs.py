"""Jobs as Vertex AI tells of them: where they ran, how they ended, what they cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dagfactory.cost.measured import Ran, ran
from dagfactory.cost.rates import Rates, UnknownPriceError
from dagfactory.results.model import Job, total
from dagfactory.results.reading import plain, shown
from dagfactory.runtime.labels import PREFIX

_BROKEN = (LookupError, TypeError, ValueError, AttributeError)
"""What reading a resource that has another shape can raise."""


def jobs(resource: Any, restarts: int = 0) -> list[Job]:
    """Return a training pipeline, or the trials of a tuning job; nothing of another shape."""
    try:
        return [_job(each, restarts) for each in _parts(resource)]
    except _BROKEN:
        return []


def _parts(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a job, or each trial of one as a job of its own: they run beside each other, in their folders."""
    if "trialJobSpec" not in resource:
        yield resource
        return
    spec = resource["trialJobSpec"]
    folder = str(spec["baseOutputDirectory"]["outputUriPrefix"]).rstrip("/")
    for each in resource.get("trials") or ():
        place = {"outputUriPrefix": f"{folder}/{each['id']}"}
        times = {key: each.get(key) for key in ("startTime", "endTime", "state")}
        own = {"trialJobSpec": {**spec, "baseOutputDirectory": place}, "trials": None}
        given = {one["parameterId"]: one["value"] for one in each.get("parameters") or ()}
        yield {**resource, **own, **times, "given": given}


def _job(resource: Mapping[str, Any], restarts: int) -> Job:
    spec = resource.get("trialJobSpec") or resource["trainingTaskInputs"]
    machine = spec["workerPoolSpecs"][0]["machineSpec"]
    had = _had(resource)
    return Job(
        name=str(resource["name"]),
        task=shown(str(resource.get("displayName", "")).partition(" ")[0].partition("/")[2]),
        folder=str(spec["baseOutputDirectory"]["outputUriPrefix"]).rstrip("/"),
        state=str(resource.get("state", "")).rpartition("STATE_")[2].lower(),
        began=str(resource.get("startTime") or resource.get("createTime") or ""),
        ended=str(resource.get("endTime") or ""),
        machine=_machine(machine),
        region=str(resource["name"]).split("/")[3],
        provisioning=str(spec.get("scheduling", {}).get("strategy") or "standard").lower(),
        choice=int(resource.get("labels", {}).get(f"{PREFIX}choice") or 0),
        restarts=restarts,
        hours=total(each.replicas * each.hours for each in had),
        usd=total(map(_usd, had)),
        reason=_reason(str((resource.get("error") or {}).get("message", ""))),
        arguments={**dict(_arguments(spec["workerPoolSpecs"][0])), **resource.get("given", {})},
    )


def _had(resource: Mapping[str, Any]) -> list[Ran]:
    """Return what had machines; a job that never got any has neither hours nor a price."""
    try:
        return list(ran(resource))
    except _BROKEN:
        return []


def _usd(one: Ran) -> float | None:
    try:
        return one.usd(Rates())
    except UnknownPriceError:
        return None


def _reason(message: str) -> str:
    """Return why a job failed, without where else to look: the page links there."""
    return shown(message.partition(" To find out more about why")[0])


def _machine(machine: Mapping[str, Any]) -> str:
    kind, gpu = str(machine["machineType"]), machine.get("acceleratorType")
    count = int(machine.get("acceleratorCount") or 0)
    return f"{kind} + {count} {str(gpu).removeprefix('NVIDIA_')}" if gpu and count else kind


def _arguments(pool: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the `--name=value` arguments of a job's program, and Hydra's `name=value`."""
    program = pool.get("containerSpec") or pool.get("pythonPackageSpec") or {}
    for text in program.get("args") or ():
        name, found, value = str(text).removeprefix("--").partition("=")
        if found and name.replace("_", "").replace("-", "").replace(".", "").isalnum():
            yield name, _value(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return plain(text)
