"""What is known of a run beside its folder: the record that `run` keeps, and the emulator's jobs.

Both lie in the state folder of `run`: `runs/PIPELINE/RUN.json`, and `emulator/`, in which the run's
folder is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagfactory.results import jobs as vertex
from dagfactory.results.bucket import SCHEME
from dagfactory.results.model import Gate, Job, Task
from dagfactory.results.paths import record_path
from dagfactory.results.reading import MOST, plain, shown

_BUCKETS = ("emulator", "gcs")
_COLLECTIONS = ("trainingPipelines", "hyperparameterTuningJobs")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run's folder is: the state folder around it, and its address as jobs know it."""

    state: Path | None
    address: str

    def record(self) -> Mapping[str, Any]:
        """Return what `run` wrote down of the run; {} where it did not."""
        if self.state is None:
            return {}
        pipeline, _, run = self.address.rpartition("/")
        path = record_path(self.state, pipeline.rpartition("/")[2], run)
        found = read(path)
        return {**found, "state": ending(found)} if isinstance(found, Mapping) else {}

    def jobs(self) -> Iterator[Job]:
        """Yield the jobs that the emulator has kept."""
        if self.state is None:
            return
        for path in sorted((self.state / "emulator" / "vertex").rglob("*.json")):
            if path.parent.name in _COLLECTIONS:
                resource = read(path)
                yield from vertex.jobs(resource, self._restarts(resource))

    def _restarts(self, resource: Any) -> int:
        """Return how often a job was started again: the emulator keeps a log of each attempt."""
        metadata = resource.get("trainingTaskMetadata") if isinstance(resource, dict) else None
        job = metadata.get("backingCustomJob") if isinstance(metadata, dict) else ""
        behind = str(job).rpartition("/")[2]
        if self.state is None or not behind.isalnum():
            return 0
        logs = (self.state / "emulator" / "jobs" / behind).glob("attempt-*.log")
        return max(0, sum(1 for _ in logs) - 1)


def place(address: str) -> Place:
    """Find the state folder around a run's folder; there is none around one of somebody else's."""
    path = Path(address)
    for state in path.parents if not address.startswith(SCHEME) else ():
        if path.is_relative_to(state.joinpath(*_BUCKETS)):
            below = path.relative_to(state.joinpath(*_BUCKETS))
            return Place(state, f"{SCHEME}{below.as_posix()}")
    return Place(None, address.rstrip("/"))


def ending(record: Mapping[str, Any]) -> str:
    """Return how a run ended by its record: `interrupted` where the process that ran it is gone."""
    state, process = str(record.get("state", "")), record.get("process")
    if state != "running" or not (process and isinstance(process, int)):
        return state
    return state if Path("/proc", str(process)).exists() else "interrupted"


def folders(state: Path, pipeline: str, run: str) -> list[Path]:
    """Return the folders of a run, one in each bucket that has any."""
    return sorted(state.joinpath(*_BUCKETS).glob(f"*/runs/{pipeline}/{run}"))


def read(path: Path) -> Any:
    """Return the JSON of a file of ours; None without one that can be read."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(MOST))
    except (OSError, ValueError, RecursionError):
        return None


def tasks(record: Mapping[str, Any]) -> Iterator[Task]:
    """Yield the task instances of a record, and leave out what is none."""
    for each in _objects(record.get("tasks")):
        index = each.get("map_index", -1)
        suffix = f"[{index}]" if isinstance(index, int) and index >= 0 else ""
        yield Task(
            name=f"{shown(str(each.get('task', '')))}{suffix}",
            state=shown(str(each.get("state") or "none")),
            tries=each["tries"] if isinstance(each.get("tries"), int) else 1,
            began=str(each.get("began") or ""),
            ended=str(each.get("ended") or ""),
            reason=shown(str(each.get("reason") or "")),
        )


def gates(record: Mapping[str, Any]) -> Iterator[Gate]:
    """Yield the decisions of a record."""
    for each in _objects(record.get("gates")):
        values = each.get("metrics")
        used = values if isinstance(values, Mapping) else {}
        yield Gate(
            name=shown(str(each.get("task", ""))),
            passed=each.get("passed") is True,
            reason=str(each.get("reason", ""))[:2000],
            values={shown(str(name)): plain(value) for name, value in used.items()},
        )


def _objects(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, Mapping)]
