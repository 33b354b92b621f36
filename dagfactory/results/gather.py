"""A run from everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagfactory.results import known
from dagfactory.results.bucket import SCHEME
from dagfactory.results.cloud import Cloud
from dagfactory.results.experiments import experiments
from dagfactory.results.folder import NoRunError, opened
from dagfactory.results.model import Job, Run, Task
from dagfactory.results.paths import newest_first
from dagfactory.results.reading import Reader, shown
from dagfactory.results.trials import source_of


def gather(run: str, state: Path, cloud: Cloud | None = None) -> Run:
    """Read a run by its folder; raises NoRunError where there is none, StorageError without an answer.

    `state` is where `dagfactory run` keeps its things: an address of its emulator is read there.
    `cloud` is asked for the jobs of a run that is not of this machine; raises AnswerError.
    """
    here = state / "emulator" / "gcs" / run.removeprefix(SCHEME)
    folder = opened(str(here) if run.startswith(SCHEME) and here.is_dir() else run)
    try:
        reader = Reader(folder, folder.files())
    except OSError as error:
        raise NoRunError(f"`{run}` cannot be read: {error.strerror or error}") from None
    return _run(run, reader, known.place(folder.address), cloud)


def _run(asked: str, reader: Reader, place: known.Place, cloud: Cloud | None) -> Run:
    record = place.record()
    tasks = tuple(known.tasks(record))
    jobs = tuple(_with_reason(each, tasks) for each in _jobs(place, cloud))
    pipeline, _, name = place.address.rpartition("/")
    found = experiments(source_of(reader, place.address, jobs))
    if not (found or tasks or record):
        raise NoRunError(f"`{asked}` is not a run's folder: no task has left a metrics.json in it")
    told: list[Task | Job] = [*tasks, *jobs]
    return Run(
        source=reader.folder.address,
        pipeline=shown(pipeline.rpartition("/")[2]),
        name=shown(name),
        state=shown(str(record.get("state", ""))),
        began=min((each.began for each in told if each.began), default=""),
        ended=max((each.ended for each in told if each.ended), default=""),
        experiments=found,
        tasks=tasks,
        gates=tuple(known.gates(record)),
        jobs=tuple(sorted(jobs, key=lambda each: each.began)),
        notes=(*_interrupted(record), *reader.notes),
    )


def _interrupted(record: Mapping[str, Any]) -> Iterator[str]:
    """Say what happened to a run that was killed: nobody has seen its tasks end."""
    if record.get("state") == "interrupted":
        words = shown(str(record.get("go_on") or "dagfactory run SPEC --rerun-failed"))
        yield f"the run was interrupted: its tasks are not known; go on with `{words}`"


def _jobs(place: known.Place, cloud: Cloud | None) -> Iterator[Job]:
    """Yield the jobs that wrote into a run's folder."""
    asked = cloud if place.state is None else None
    for each in asked.jobs(place.address.split("/")[-2]) if asked else place.jobs():
        if f"{each.folder}/".startswith(f"{place.address}/"):
            yield each


def _with_reason(job: Job, tasks: Sequence[Task]) -> Job:
    """Add what the job's program said at its end, which Airflow's log has and Vertex AI's answer has not."""
    said = next((each.reason for each in tasks if each.name == job.task), "")
    if job.state != "failed" or not said or said in job.reason:
        return job
    return replace(job, reason=shown(f"{job.reason} {said}".strip()))


def newest(state: Path) -> str:
    """Return the folder of the last run that `run` has kept a record of; raises NoRunError."""
    for record in map(known.read, newest_first(state)):
        folder = _folder(record, state) if isinstance(record, dict) else None
        # a run that goes on, or wrote nothing, has an empty one
        if isinstance(folder, str) and folder and Path(folder).is_dir():
            return folder
    raise NoRunError(f"no run has left results in {state}; write the folder of a run")


def _folder(record: Mapping[str, Any], state: Path) -> object:
    """Return the folder that a record names; of a run that was killed the one that is there."""
    if known.ending(record) != "interrupted":
        return record.get("folder")
    found = known.folders(state, str(record.get("dag_id")), str(record.get("run_id")))
    return str(found[0]) if found else ""
