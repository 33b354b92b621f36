"""The ranking of a sweep's trials: pure functions over their metrics files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .grid import Trial
from .metrics import Metrics

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Result:
    """One trial with its metric, or with the reason why it has no usable one."""

    trial: Trial
    value: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RankedPoint:
    """One point of a sweep with its seeds; ``mean`` is over the seeds that have a value."""

    mean: float
    complete: bool
    results: tuple[Result, ...]


def result(trial: Trial, found: Metrics, metric: str) -> Result:
    """Read one trial's metric out of its metrics.json."""
    if found.problem:
        return Result(trial, None, found.problem)
    value = found.values.get(metric)
    if value is None:
        known = ", ".join(sorted(found.values)) or "none"
        return Result(trial, None, f"no metric {metric} (it has: {known})")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Result(trial, None, f"{metric} is {value!r}, not a number")
    if not math.isfinite(value):
        return Result(trial, None, f"{metric} is {value}")
    return Result(trial, float(value))


def ranked_points(results: Sequence[Result], goal: str) -> list[RankedPoint]:
    """Rank the points of a sweep, best first.

    Seeds of one point are averaged. A point that lost a seed is ranked after every complete one. Ties go
    to the smaller trial id.
    """
    groups: dict[str, list[Result]] = {}
    for item in results:
        groups.setdefault(item.trial.group, []).append(item)
    made = [_ranked_point(items, goal) for items in groups.values()]
    ranked = [point for point in made if point is not None]
    # The mean over fewer seeds is of another sample: the seed that failed may have been the worst one.
    # The id at the end makes a retry choose the same winner.
    return sorted(
        ranked, key=lambda s: (not s.complete, _cost(s.mean, goal), s.results[0].trial.id)
    )


def winner(ranked: Sequence[RankedPoint]) -> Result:
    """Return the best seed of the best point; raises ValueError for an empty ranking."""
    if not ranked:
        raise ValueError("no trial has a usable metric")
    return ranked[0].results[0]


def table(ranked: Sequence[RankedPoint], failed: Sequence[Result], metric: str) -> str:
    """Write the leaderboard as text, best first, and below it the trials without a usable metric."""
    lines = [f"{'rank':>4}  {'trial':<10}  {metric:>14}  {'seeds':>5}  parameters"]
    for rank, point in enumerate(ranked[:SHOWN], start=1):
        best = point.results[0].trial
        seeds = f"{len(point.results)}{'' if point.complete else '!'}"
        row = f"{rank:>4}  {best.id:<10}  {point.mean:>14.6g}  {seeds:>5}"
        lines.append(f"{row}  {label(best.parameters)}")
    lines += [f"   -  {item.trial.id:<10}  {item.problem}" for item in failed[:SHOWN]]
    hidden = max(0, len(ranked) - SHOWN) + max(0, len(failed) - SHOWN)
    return "\n".join([*lines, f"({hidden} more)"] if hidden else lines)


def label(parameters: Mapping[str, Any]) -> str:
    """Write parameters on one line: ``learning_rate=0.001 seed=0``."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())


def pack_label(trials: Sequence[Trial]) -> str:
    """Write the parameters of several trials on one line: ``learning_rate=0.001,0.003 seed=0``.

    Values that occur in any of them, each once; how many trials, where they are more than one.
    """
    values: dict[str, list[str]] = {}
    for trial in trials:
        for name, value in trial.parameters.items():
            found = values.setdefault(name, [])
            if str(value) not in found:
                found.append(str(value))
    line = label({name: ",".join(found) for name, found in values.items()})
    return line if len(trials) == 1 else f"{len(trials)} trials: {line}"


def _ranked_point(items: list[Result], goal: str) -> RankedPoint | None:
    good = [item for item in items if item.value is not None]
    if not good:
        return None
    values = [item.value for item in good if item.value is not None]
    good.sort(key=lambda item: (_cost(item.value or 0.0, goal), item.trial.id))
    mean = math.fsum(values) / len(values)  # exact, so that the order of the seeds does not matter
    return RankedPoint(mean, len(good) == len(items), tuple(good))


def _cost(value: float, goal: str) -> float:
    return -value if goal == "maximize" else value
