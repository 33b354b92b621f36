"""What a run tried: its sweeps with their trials, and every other task that left metrics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dagfactory.results.model import Experiment, Trial
from dagfactory.results.reading import number, plain, shown
from dagfactory.results.trials import (
    MOST,
    MOST_PARAMETERS,
    Source,
    filled,
    job_folders,
    listed,
    parameters,
)

MOST_FILES = 12
"""Files of the best trial that are listed."""
_TELLING = ("accuracy", "f1", "auc", "score", "loss")
"""What the name of a metric holds that a reader looks for first."""
_SMALLER = ("loss", "error", "perplexity", "rmse", "mae", "mse")
"""What the name of a metric holds that is better when it is smaller."""


def experiments(source: Source) -> tuple[Experiment, ...]:
    """Return the sweeps of a run, then its other tasks, each by the name of its folder."""
    listed_sweeps = _with_leaderboard(source)
    jobs = _outermost([*job_folders(source.reader.files), *_of_jobs(source)], listed_sweeps)
    sweeps = sorted(listed_sweeps | _of_several(jobs))
    inside = tuple(f"{each}/" for each in sweeps)
    single = sorted({each for each in jobs if not f"{each}/".startswith(inside)})
    return (
        *(_sweep(source, each, jobs) for each in sweeps),
        *(_single(source, each) for each in single),
    )


def _of_jobs(source: Source) -> list[str]:
    """Return the folders of jobs that have not left a metrics.json, and of the trials of packs."""
    prefix, packs = f"{source.address}/", {each.job.folder for each in source.packs.values()}
    every = [*(each for each in source.jobs if each not in packs), *source.packs]
    return [each.removeprefix(prefix) for each in every if each.startswith(prefix)]


def _with_leaderboard(source: Source) -> set[str]:
    """Return the folders in which a sweep wrote its trials, those of the first level and deeper pairs."""
    files = source.reader.files
    found = {path.rpartition("/")[0] for path in files if path.endswith("/trials.json")}
    return {each for each in found if "/" not in each or f"{each}/best.json" in files}


def _outermost(folders: Iterable[str], sweeps: Collection[str]) -> list[str]:
    """Return folders without those inside of another one, such as checkpoints with metrics of their own."""
    every = dict.fromkeys(each for each in folders if each not in sweeps)
    return [each for each in every if not any(parent in every for parent in _parents(each))]


def _parents(folder: str) -> Iterator[str]:
    parts = folder.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def _of_several(jobs: Iterable[str]) -> set[str]:
    """Return the folders that hold the folders of several jobs: sweeps that did not get to their end."""
    below: dict[str, set[str]] = {}
    for each in jobs:
        parent, _, name = each.rpartition("/")
        below.setdefault(parent, set()).add(name)
    return {parent for parent, names in below.items() if parent and len(names) > 1}


def _sweep(source: Source, sweep: str, folders: Iterable[str]) -> Experiment:
    document = source.reader.document(f"{sweep}/best.json")
    known = listed(source, sweep)
    for folder in folders:
        if folder.rpartition("/")[0] == sweep and folder not in known and len(known) < MOST:
            known[folder] = Trial(folder.rpartition("/")[2], folder, _given(source, folder))
    trials = [
        filled(replace(each, order=order), source) for order, each in enumerate(known.values())
    ]
    chosen = document if isinstance(document, dict) else {}
    metric = shown(str(chosen.get("metric") or telling(trials)))
    trials = [_with_value(each, metric) for each in trials]
    goal = _goal(chosen, trials, metric)
    first, *others = ranked(trials, goal, chosen.get("trial")) or (None,)
    best = (replace(first, files=_files(source, first.folder)),) if first else ()
    return Experiment(sweep, metric, goal, (*best, *others), is_sweep=True)


def _files(source: Source, folder: str) -> dict[str, int]:
    """Return the sizes of what a job has made: its model's files, and the newest checkpoint's."""
    inside = f"{folder}/"
    every = {
        k.removeprefix(inside): v for k, v in source.reader.files.items() if k.startswith(inside)
    }
    saved = max((each for each in every if each.startswith("checkpoints/")), default="")
    newest = saved.rpartition("/")[0]
    kept = [each for each in every if each.count("/") < 2 or each.rpartition("/")[0] == newest]  # noqa: PLR2004 - model/NAME
    kept.sort(key=lambda each: (not each.startswith("model/"), each))
    return {shown(each): every[each] for each in kept[:MOST_FILES]}


def _given(source: Source, folder: str) -> Mapping[str, Any]:
    """Return what a job was given, by its arguments; addresses tell nothing of a trial."""
    pack = source.packs.get(f"{source.address}/{folder}")
    if pack:
        return pack.parameters
    jobs, _ = source.of(folder)
    given = jobs[-1].arguments.items() if jobs else ()
    kept = {k: v for k, v in given if not (isinstance(v, str) and "://" in v)}
    return parameters(dict(list(kept.items())[:MOST_PARAMETERS]))


def _single(source: Source, folder: str) -> Experiment:
    trial = filled(Trial(folder, folder, _given(source, folder)), source)
    metric = telling([trial])
    trial = replace(_with_value(trial, metric), files=_files(source, folder))
    return Experiment(folder, metric, goal_by_name(metric), (trial,))


def _with_value(trial: Trial, metric: str) -> Trial:
    """Read the metric where no leaderboard has done it; a job that failed has none that counts."""
    if trial.value is not None or trial.problem:
        return trial
    value = number(trial.metrics.get(metric))
    if value is not None and trial.state in ("", "succeeded", "running"):
        return replace(trial, value=value)
    found = trial.metrics.get(metric)
    reason = f"{metric} is {plain(found)}, not a number" if metric else "it has no metrics"
    return replace(trial, problem=reason if value is None else f"its job is {trial.state}")


def telling(trials: Sequence[Trial]) -> str:
    """Return the metric that a reader looks for first, of those that are numbers somewhere."""
    names = dict.fromkeys(
        name
        for trial in trials
        for name, value in trial.metrics.items()
        if number(value) is not None
    )
    return min(names, key=_place, default="")


def _place(name: str) -> int:
    # equals keep the order of the file: `min` takes the first one
    found = [place for place, word in enumerate(_TELLING) if word in name.lower()]
    return min(found, default=len(_TELLING))


def _goal(best: Mapping[str, Any], trials: Sequence[Trial], metric: str) -> str:
    """Return the goal that makes the winner win; by the metric's name where both do."""
    value = number(best.get("value"))
    values = [each.value for each in trials if each.value is not None]
    if value is not None and values and min(values) < max(values):
        middle = (min(values) + max(values)) / 2
        return "maximize" if value >= middle else "minimize"
    return goal_by_name(metric)


def goal_by_name(metric: str) -> str:
    """Return what is better, as the name of a metric has it."""
    return "minimize" if any(word in metric.lower() for word in _SMALLER) else "maximize"


def ranked(trials: Sequence[Trial], goal: str, winner: object = None) -> tuple[Trial, ...]:
    """Sort trials: the winner, then the others by their values, then those without one."""
    sign = -1 if goal == "maximize" else 1
    return tuple(
        sorted(
            trials,
            # the winner of a halving is of its last rung, and of seeds the best of the best mean
            key=lambda each: (
                each.value is None,
                each.name != winner,
                sign * (each.value or 0.0),
                each.name,
            ),
        )
    )
