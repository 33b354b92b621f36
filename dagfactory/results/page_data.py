"""Runs as the data of the page: the same task of several runs together, and no more than a page can hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dagfactory.results.bucket import SCHEME
from dagfactory.results.correlation import correlations
from dagfactory.results.curves import thinned
from dagfactory.results.experiments import ranked
from dagfactory.results.model import Curve, Experiment, Run, Task, Trial

NUMBERS = 16_000
"""Numbers in the curves of an experiment, and in its metrics: a page of 600 kB has 1,000 trials."""
_FEWEST_POINTS, _MOST_POINTS, _MOST_SERIES = 8, 120, 12
_DIGITS, _SEEN = 6, 4
_CONSOLE = "https://console.cloud.google.com/storage/browser/"
Member = tuple[int, Trial]
"""A trial and the place of its run."""


def page_data(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the page shows, as JSON has it."""
    return {
        "runs": [_run(each) for each in runs],
        "experiments": [_experiment(*each) for each in _together(runs)],
    }


def _together(runs: Sequence[Run]) -> list[tuple[Experiment, list[Member]]]:
    """Return the experiments with the trials of all runs that have the same one, sweeps first."""
    found: dict[tuple[str, str, str], tuple[Experiment, list[Member]]] = {}
    for place, run in enumerate(runs):
        for each in run.experiments:
            key = (each.task, each.metric, each.goal)
            found.setdefault(key, (each, []))[1].extend((place, trial) for trial in each.trials)
    return sorted(found.values(), key=lambda pair: not pair[0].is_sweep)


def _experiment(shown: Experiment, members: list[Member]) -> dict[str, Any]:
    trials = [trial for _, trial in members]
    if len({place for place, _ in members}) > 1:
        order = {id(each): n for n, each in enumerate(ranked(trials, shown.goal))}
        members = sorted(members, key=lambda pair: order[id(pair[1])])
    parameters = list(dict.fromkeys(name for each in trials for name in each.parameters))
    metrics = _metrics(trials, shown.metric)
    series, steps = _series(trials, shown.metric), _Steps()
    return {
        "task": shown.task,
        "metric": shown.metric,
        "goal": shown.goal,
        "is_sweep": shown.is_sweep,
        "parameters": parameters,
        "metrics": metrics,
        "correlations": correlations(trials),
        "series": series,
        "trials": [
            {
                **_trial(trial),
                "run": place,
                "parameters": [_short(trial.parameters.get(name)) for name in parameters],
                "metrics": [_short(trial.metrics.get(name)) for name in metrics],
                "curves": _curves(trial, series, steps, len(trials)),
            }
            for place, trial in members
        ],
        "steps": steps.known,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    found = {
        "name": trial.name,
        "value": _short(trial.value),
        "problem": trial.problem,
        "state": trial.state,
        "ended": trial.ended,
        "order": trial.order,
        "hours": _short(trial.hours),
        "usd": _short(trial.usd),
        "files": [{"name": name, "size": size} for name, size in trial.files.items()],
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _metrics(trials: Sequence[Trial], metric: str) -> list[str]:
    names = dict.fromkeys(name for each in trials for name in each.metrics if name != metric)
    return list(names)[: max(2, NUMBERS // 4 // max(1, len(trials)))]


def _series(trials: Sequence[Trial], metric: str) -> list[str]:
    """Return the names of curves: the metric's own, losses, the others; single points last."""
    names = list(dict.fromkeys(name for each in trials for name in each.curves))
    longer = {name for each in trials for name, curve in each.curves.items() if len(curve[0]) > 1}

    def place(name: str) -> tuple[bool, bool, bool]:
        own = bool(metric) and (metric.endswith(name.rpartition("/")[2]) or metric in name)
        return name not in longer, not own, "loss" not in name

    most = NUMBERS // (max(1, len(trials)) * _FEWEST_POINTS)
    return sorted(names, key=place)[: max(1, min(_MOST_SERIES, most))]


class _Steps:
    """The steps of curves, each list of them once."""

    def __init__(self) -> None:
        self.known: list[list[float]] = []
        self._places: dict[tuple[float, ...], int] = {}

    def place(self, steps: Sequence[float]) -> int:
        """Return the place of a list of steps."""
        key = tuple(steps)
        if key not in self._places:
            self._places[key] = len(self.known)
            self.known.append(list(key))
        return self._places[key]


def _curves(
    trial: Trial, series: Sequence[str], steps: _Steps, trials: int
) -> list[tuple[int, list[Any]] | None]:
    points = NUMBERS // max(1, trials * len(series))
    points = max(_FEWEST_POINTS, min(_MOST_POINTS, points))
    return [_curve(trial.curves.get(name), points, steps) for name in series]


def _curve(curve: Curve | None, points: int, steps: _Steps) -> tuple[int, list[Any]] | None:
    if curve is None:
        return None
    at, values = thinned(curve, points)
    return steps.place(at), [_short(each, _SEEN) for each in values]


def _short(value: Any, digits: int = _DIGITS) -> Any:
    """Return a float with as many digits as are needed."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _run(run: Run) -> dict[str, Any]:
    return {
        "pipeline": run.pipeline,
        "name": run.name,
        "state": run.state,
        "began": run.began,
        "ended": run.ended,
        "hours": run.hours,
        "usd": run.usd,
        "source": run.source,
        "link": link(run.source),
        "notes": list(run.notes),
        "tasks": _records(_telling_tasks(run)),
        "gates": _records(run.gates),
        **_jobs(run),
    }


def _records(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Return dataclasses as objects, without what says nothing."""
    return [{k: v for k, v in asdict(each).items() if v not in (None, "")} for each in items]


def _telling_tasks(run: Run) -> Iterator[Task]:
    """Yield the tasks that say more than their jobs do."""
    launched = {each.task for each in run.jobs}
    return (
        each
        for each in run.tasks
        if each.reason or "[" not in each.name or each.name not in launched
    )


def _jobs(run: Run) -> dict[str, Any]:
    """Return the jobs as rows: thousands of them are on a page, on a few kinds of machines."""
    places: dict[tuple[str, str, str], int] = {}
    rows = [
        (
            each.task,
            _below(run, each.folder),
            each.state,
            each.began,
            each.ended,
            places.setdefault((each.machine, each.region, each.provisioning), len(places)),
            each.choice,
            each.restarts,
            None if each.usd is None else _short(each.usd),
            each.reason,
        )
        for each in run.jobs
    ]
    return {"places": list(places), "jobs": rows}


def _below(run: Run, folder: str) -> str:
    """Return a job's folder by its path below the run's, which an emulator keeps on this machine."""
    return folder.partition(f"/{run.name}/")[2]


def link(address: str) -> str:
    """Return what a browser opens: the console for Cloud Storage, else the folder on this machine."""
    if address.startswith(SCHEME):
        return _CONSOLE + quote(address.removeprefix(SCHEME))
    return Path(address).absolute().as_uri()


def title(data: Mapping[str, Any]) -> str:
    """Return the title of the page: the pipelines that it shows."""
    return ", ".join(dict.fromkeys(each["pipeline"] for each in data["runs"]))
