"""The trials of a sweep: what its leaderboard lists, and what only its folders and jobs tell of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from dagfactory.results.curves import curves
from dagfactory.results.model import Curve, Job, Trial, total
from dagfactory.results.reading import Reader, number, plain, shown
from dagfactory.runtime import metrics as contract

MOST = 5_000
"""Trials of a sweep that are shown."""
MOST_METRICS = 100
MOST_PARAMETERS = 40
_MODEL = "model"


@dataclass(frozen=True, slots=True)
class Packed:
    """One of several trials that a job trains together: its parameters, the job, how many share it."""

    parameters: Mapping[str, Any]
    job: Job
    share: int


@dataclass(frozen=True, slots=True)
class Source:
    """What trials are read from: the files of a run, and its jobs by the folders they wrote to.

    `packs` has the trials of jobs that train several, by their folders.
    """

    reader: Reader
    address: str
    jobs: Mapping[str, Sequence[Job]]
    packs: Mapping[str, Packed]

    def of(self, folder: str) -> tuple[Sequence[Job], int]:
        """Return the jobs of a folder of the run, in order, and how many trials share them."""
        address = f"{self.address}/{folder}"
        if address in self.jobs:
            return self.jobs[address], 1
        pack = self.packs.get(address)
        return ((pack.job,), pack.share) if pack else ((), 1)

    def metrics(self, folder: str) -> contract.Metrics:
        """Return what a job wrote into its metrics.json, in either of its forms."""
        paths = [f"{folder}/{_MODEL}/metrics.json", f"{folder}/metrics.json"]
        path = next((each for each in paths if each in self.reader.files), None)
        if path is None:
            return contract.Metrics(problem="there is no metrics.json")
        document = self.reader.document(path)
        if document is None:
            return contract.Metrics(problem="its metrics.json cannot be read")
        return contract.parse(document)

    def curves(self, folder: str) -> Mapping[str, Curve]:
        """Return the series of a job's metrics.jsonl."""
        paths = [f"{folder}/{_MODEL}/metrics.jsonl", f"{folder}/metrics.jsonl"]
        found = next((each for each in paths if each in self.reader.files), "")
        return curves(self.reader.lines(found))


def source_of(reader: Reader, address: str, jobs: Iterable[Job]) -> Source:
    """Return what the trials of a run are read from."""
    by_folder: dict[str, list[Job]] = {}
    packs: dict[str, Packed] = {}
    for job in sorted(jobs, key=lambda each: each.began):
        by_folder.setdefault(job.folder, []).append(job)
        trials = job.arguments.get("trials")
        if not isinstance(trials, Mapping):
            continue
        for name, given in trials.items():
            packs[f"{job.folder}/{name}"] = Packed(parameters(given), job, len(trials))
    return Source(reader, address, by_folder, packs)


def job_folders(files: Iterable[str]) -> list[str]:
    """Return the folders of jobs, by the files that the contract has them write."""
    found: dict[str, None] = {}
    for each in files:
        path = PurePosixPath(each)
        if path.name in ("metrics.json", "metrics.jsonl"):
            parent = path.parent
            found[(parent.parent if parent.name == _MODEL else parent).as_posix()] = None
    return [each for each in found if each != "."]


def listed(source: Source, sweep: str) -> dict[str, Trial]:
    """Return the trials that a sweep's leaderboards list: of its rungs, and the last one."""
    found: dict[str, Trial] = {}
    names = (f"{sweep}/trials.json", f"{sweep}/rung-")
    for path in source.reader.files:
        if path.startswith(names) and path.endswith("trials.json"):
            for record in _records(source.reader, path):
                trial = _listed(record, sweep)
                found[trial.folder] = trial
    if len(found) > MOST:
        source.reader.note(f"{sweep} has {len(found)} trials; the first {MOST} are shown")
    return dict(list(found.items())[:MOST])


def _records(reader: Reader, path: str) -> list[Mapping[str, Any]]:
    document = reader.document(path)
    if document is None:
        return []
    records = document if isinstance(document, list) else []
    good: list[Mapping[str, Any]] = [
        each for each in records if isinstance(each, dict) and "trial" in each
    ]
    if not isinstance(document, list) or len(good) < len(records):
        reader.note(f"{path} is not a list of trials only")
    return good


def _listed(record: Mapping[str, Any], sweep: str) -> Trial:
    name, problem = shown(str(record["trial"])), record.get("problem")
    value = number(record.get("value"))
    if value is None and not problem:
        problem = "it has no usable metric"
    return Trial(
        name=name,
        folder=f"{sweep}/{name}",
        parameters=parameters(record.get("parameters")),
        value=value,
        problem=shown(str(problem)) if value is None else "",
    )


def parameters(value: Any) -> dict[str, Any]:
    """Return parameters as a reader can take them."""
    items = list(value.items())[:MOST_PARAMETERS] if isinstance(value, Mapping) else []
    return {shown(str(name)): plain(each) for name, each in items}


def filled(trial: Trial, source: Source) -> Trial:
    """Return a trial with its metrics, curves, and what its jobs tell: state, reason, hours, dollars."""
    found = source.metrics(trial.folder)
    values = {shown(str(k)): plain(v) for k, v in list(found.values.items())[:MOST_METRICS]}
    jobs, share = source.of(trial.folder)
    last = jobs[-1] if jobs else None
    why = last.reason if last and last.state == "failed" else ""
    return replace(
        trial,
        problem=(why or trial.problem or found.problem) if trial.value is None else "",
        state=last.state if last else "",
        ended=last.ended if last else "",
        hours=_share((each.hours for each in jobs), share),
        usd=_share((each.usd for each in jobs), share),
        metrics=values,
        curves=source.curves(trial.folder),
    )


def _share(values: Iterable[float | None], share: int) -> float | None:
    every = total(values)
    return None if every is None else every / share
