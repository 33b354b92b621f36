"""An independent judge of the emulator's records: who lived when, and what was left at the end.

It reads the files of the emulator's state and shares no code with the runtime.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

KINDS = ("trainingPipelines", "hyperparameterTuningJobs")
LABELS = ("dagfactory-dag", "dagfactory-run", "dagfactory-task", "dagfactory-map")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
Task = tuple[str, ...]
"""The labels that name one task of one run: dag, run, task, map index."""


@dataclass(frozen=True)
class Life:
    """A job, or a process of one, from its creation to its end."""

    task: Task
    name: str
    born: datetime
    died: datetime | None
    state: str

    def __str__(self) -> str:
        """Return name and times."""
        return f"{self.name} {self.state} {self.born:%X.%f} to {self.died}"


def documents(state: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield every resource of a kind (`models`) as it was stored last."""
    for path in sorted((state / "vertex").glob(f"projects/*/locations/*/{kind}/*.json")):
        yield json.loads(path.read_text())


def jobs(state: Path) -> list[Life]:
    """Return every job that a task has launched."""
    every = [each for kind in KINDS for each in documents(state, kind)]
    return [
        Life(
            task_of(each["labels"]),
            each["name"],
            moment(each["createTime"]),
            moment(each["endTime"]) if "endTime" in each else None,
            each["state"].rpartition("_STATE_")[2],
        )
        for each in every
        if LABELS[0] in each.get("labels", {})
    ]


def processes(state: Path) -> list[Life]:
    """Return every process of every training job; the trials of a tuning job run beside each other."""
    tuned = {each["labels"]["dagfactory-task"] for each in documents(state, KINDS[1])}
    found = [json.loads(path.read_text()) for path in sorted(state.glob("jobs/*/job.json"))]
    return [
        Life(task_of(job["labels"]), job["name"], moment(it["started"]), moment(it["ended"]), "")
        for job in found
        if LABELS[0] in job["labels"] and job["labels"]["dagfactory-task"] not in tuned
        for it in job["attempts"]
    ]


def problems(state: Path, task: str = "") -> list[str]:
    """Return what must never be, of one task or of all: two at a time, one that nobody has ended."""
    lives, ran = (
        [each for each in those if task in each.task or not task]
        for those in (jobs(state), processes(state))
    )
    found = [*overlaps(lives), *overlaps(ran), *left(lives)]
    return [*found, *models(state), *deployments(state)]


def models(state: Path) -> Iterator[str]:
    """Yield each task that has registered two versions, and each alias of two."""
    versions = list(documents(state, "models"))
    made = Counter(task_of(each["labels"]) for each in versions if LABELS[0] in each["labels"])
    yield from (f"{count} versions of {who}" for who, count in made.items() if count > 1)
    held = Counter((each["name"], a) for each in versions for a in each.get("versionAliases", ()))
    yield from (f"{count} versions are {alias}" for alias, count in held.items() if count > 1)


def deployments(state: Path) -> Iterator[str]:
    """Yield each version that an endpoint has twice, and each endpoint of a name that another has."""
    endpoints = list(documents(state, "endpoints"))
    names = Counter(each["displayName"] for each in endpoints)
    yield from (f"{count} endpoints {name}" for name, count in names.items() if count > 1)
    for endpoint in endpoints:
        those = endpoint.get("deployedModels", ())
        same = Counter((each["model"], each["modelVersionId"]) for each in those)
        yield from (
            f"{which} is deployed {count} times" for which, count in same.items() if count > 1
        )


def overlaps(lives: list[Life]) -> Iterator[str]:
    """Yield each two lives of one task that share a moment."""
    by_task = defaultdict(list)
    for life in lives:
        by_task[life.task].append(life)
    for those in by_task.values():
        those.sort(key=lambda life: life.born)
        for first, second in pairwise(those):
            if first.died is None or second.born < first.died:
                yield f"two at a time: {first} {second}"


def left(lives: list[Life]) -> Iterator[str]:
    """Yield each job that lives on."""
    yield from (f"left behind: {life}" for life in lives if life.state not in ENDED)


def task_of(labels: dict[str, str]) -> Task:
    """Return the task that a job's labels name."""
    return tuple(labels[each] for each in LABELS)


def moment(text: str) -> datetime:
    """Read a time: 2026-01-05T03:00:00.123456789Z."""
    return datetime.fromisoformat(text)
