"""Runs on a terminal: one table for each thing that was tried, the winner first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.terminal import safe
from dagfactory.results.correlation import correlations
from dagfactory.results.model import Experiment, Gate, Run, Trial

MOST = 40
"""Trials of a table; the page and the JSON have all."""
_MOST_METRICS = 4
_MOST_PROBLEMS = 10
_LONGEST = 60


def text(runs: Sequence[Run], encoding: str) -> str:
    """Return the tables of some runs."""
    lines = [line for run in runs for line in _run(run)]
    return "\n".join([*(safe(each, encoding) for each in lines[1:]), ""])


def _run(run: Run) -> Iterator[str]:
    told = [run.state, dollars(run.usd) if run.usd is not None else ""]
    yield ""
    yield "  ".join([f"{run.pipeline} {run.name}", *filter(None, told)])
    for each in run.experiments:
        if each.is_sweep:
            yield from _sweep(each)
    single = [each for each in run.experiments if not each.is_sweep]
    if single:
        yield from ["", *_tasks(single)]
        yield from _problems([trial for each in single for trial in each.trials])
    yield from _gates(run.gates)
    yield from (f"note: {each}" for each in run.notes)


def _sweep(experiment: Experiment) -> Iterator[str]:
    trials, metric = experiment.trials, experiment.metric or "metric"
    names = list(dict.fromkeys(name for trial in trials for name in trial.parameters))
    more = [
        name
        for name in dict.fromkeys(name for trial in trials for name in trial.metrics)
        if name != experiment.metric
    ][:_MOST_METRICS]
    head = (
        experiment.task,
        metric,
        *names,
        *more,
        "state",
        "time",
        "dollars",
    )
    yield ""
    yield from table(head, [_row(each, names, more) for each in trials[:MOST]])
    if len(trials) > MOST:
        yield f"… and {len(trials) - MOST} more: --format json or --html FILE have them"
    yield from _problems(trials)
    found = correlations(trials).items()
    words = ", ".join(f"{name} {value:+.2f}" for name, value in found)
    if words:
        yield f"rank correlation with {metric}: {words}"


def _problems(trials: Sequence[Trial]) -> Iterator[str]:
    found = [each for each in trials if each.problem]
    yield from (f"{each.name} has no value: {each.problem}" for each in found[:_MOST_PROBLEMS])
    if len(found) > _MOST_PROBLEMS:
        yield f"… and {len(found) - _MOST_PROBLEMS} more have none"


def _row(trial: Trial, names: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return (
        trial.name,
        number(trial.value),
        *(number(trial.parameters.get(name)) for name in names),
        *(number(trial.metrics.get(name)) for name in more),
        trial.state,
        span(trial.hours),
        dollars(trial.usd),
    )


def _tasks(experiments: Sequence[Experiment]) -> list[str]:
    head = ("task", "metric", "value", "state", "time", "dollars")
    rows = [
        (
            each.task,
            each.metric,
            number(trial.value),
            trial.state,
            span(trial.hours),
            dollars(trial.usd),
        )
        for each in experiments
        for trial in each.trials
    ]
    return table(head, rows)


def _gates(gates: Sequence[Gate]) -> Iterator[str]:
    if gates:
        yield ""
    for each in gates:
        yield f"gate {each.name} {'passed' if each.passed else 'did not pass'}: {each.reason}"


def number(value: Any) -> str:
    """Format a value with four significant digits; nothing for None."""
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:_LONGEST]


def dollars(value: float | None) -> str:
    """Format an amount; less than a cent with all that can be told."""
    if value is None:
        return ""
    return f"${value:.2f}" if value >= 0.01 or not value else f"${value:.6f}"  # noqa: PLR2004 - a cent


def span(hours: float | None) -> str:
    """Format a duration."""
    if hours is None:
        return ""
    seconds = hours * 3600
    return f"{seconds:.1f} s" if seconds < 100 else f"{hours:.2f} h"  # noqa: PLR2004 - tenths say nothing above
