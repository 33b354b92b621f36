"""One job of a task: what its labels and its request say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dagfactory.jobs.client import Client
from dagfactory.jobs.place import Place
from dagfactory.runtime.jobspec import strategy_of
from dagfactory.runtime.jobstate import is_live, state_of
from dagfactory.runtime.labels import PREFIX, label, list_filter, run_label

KINDS = ("trainingPipelines", "hyperparameterTuningJobs", "pipelineJobs")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Question:
    """Which jobs are asked for; `every` includes those that have ended."""

    pipeline: str | None = None
    run: str | None = None
    task: str | None = None
    every: bool = False

    def labels(self) -> dict[str, str]:
        """Return the labels that the jobs must have."""
        made = {"dag": self.pipeline and label(self.pipeline)}
        made |= {"task": self.task and label(self.task), "run": self.run and run_label(self.run)}
        return {f"{PREFIX}{key}": value for key, value in made.items() if value}

    def filter(self, kind: str) -> str:
        """Return the filter of a list call."""
        asked = list_filter(self.labels()) or f"labels.{PREFIX}dag:*"
        prefix = "JOB_STATE" if kind == "hyperparameterTuningJobs" else "PIPELINE_STATE"
        ended = "" if self.every else "".join(f' AND state!="{prefix}_{each}"' for each in ENDED)
        return f"{asked}{ended}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is listed; `since` is when it came into its state, as far as Vertex AI says it."""

    state: str
    pipeline: str
    task: str
    run: str
    machine: str
    provisioning: str
    region: str
    since: str
    name: str
    live: bool

    @property
    def id(self) -> str:
        """Return the last part of the name: a number."""
        return self.name.rpartition("/")[2]

    def record(self) -> dict[str, Any]:
        """Return the job for JSON."""
        return asdict(self) | {"id": self.id}


def find(client: Client, place: Place, question: Question) -> list[Job]:
    """Return the jobs that are asked for in every region, newest first."""
    found = [job for region in place.regions for job in _in_region(client, region, question)]
    return sorted(found, key=lambda job: job.since, reverse=True)


def _in_region(client: Client, region: str, question: Question) -> Iterator[Job]:
    for kind in KINDS:
        yield from map(read, client.jobs(kind, region, question.filter(kind)))


def read(found: Mapping[str, Any]) -> Job:
    """Read a job of Vertex AI that carries our labels."""
    labels = found.get("labels", {})
    spec = found.get("trainingTaskInputs") or found.get("trialJobSpec") or {}
    dag, task, run = _shown(found)
    index = labels.get(f"{PREFIX}map", "-1")
    live = is_live(found)
    times = ("startTime", "createTime") if live else ("endTime", "updateTime", "createTime")
    return Job(
        state=state_of(found),
        pipeline=_named(dag, labels.get(f"{PREFIX}dag", "")),
        task=_named(task, labels.get(f"{PREFIX}task", ""))
        + (f"[{index}]" if index != "-1" else ""),
        run=run or labels.get(f"{PREFIX}run", ""),
        machine=_machine(spec),
        provisioning=strategy_of(spec).lower() if spec else "",
        region=found["name"].split("/")[3],
        since=next((found[key] for key in times if found.get(key)), ""),
        name=found["name"],
        live=live,
    )


def _shown(found: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return pipeline, task and run of a display name: `p/train[3] manual__2026-11-30T22:00:00+00:00`."""
    place, _, run = str(found.get("displayName", "")).partition(" ")
    dag, _, task = place.partition("/")
    return dag, task.partition("[")[0], run


def _named(shown: str, labelled: str) -> str:
    """Return a name as it is shown, for a label may hold a hash; the label where they do not agree."""
    return shown if label(shown) == labelled else labelled


def _machine(spec: Mapping[str, Any]) -> str:
    pool: Mapping[str, Any] = next(iter(spec.get("workerPoolSpecs") or ()), {})
    machine = pool.get("machineSpec") or {}
    gpus, replicas = machine.get("acceleratorCount"), int(pool.get("replicaCount") or 1)
    added = f" + {int(gpus)}x{machine.get('acceleratorType')}" if gpus else ""
    times = f"{replicas} x " if replicas > 1 else ""
    return f"{times}{machine.get('machineType', '')}{added}"
