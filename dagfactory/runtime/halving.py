"""Successive halving as static rungs: which trials a rung has, and which points it promotes.

``sweep["rungs"]`` is ``{"argument": "epochs", "budgets": [1, 3, 9], "sizes": [27, 9, 3]}``: every point
trains with the first budget, the best nine with the second, the best three of those with the third.
After K. Jamieson and A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization" (AISTATS 2016), algorithm "Successive Halving", with the budgets given. Pure functions.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import grid, ranking
from .points import Parameters, Sweep

Survivor = dict[str, Any]
"""``{"parameters": {…}, "mean": 0.9, "models": {"<seed or empty>": address}}``, best first in a list."""


@dataclass(frozen=True, slots=True)
class RungTrial:
    """One trial of a rung and the model directory it continues from (None in the first rung)."""

    trial: grid.Trial
    model: str | None = None


def plan(points: int, low: float, high: float, eta: int) -> tuple[list[float], list[int]]:
    """Return budgets low, low·eta, … up to high, and the points of each rung: points // eta^k."""
    budgets, sizes = [low], [points]
    while budgets[-1] * eta <= high and sizes[-1] // eta >= 1:
        budgets.append(budgets[-1] * eta)
        sizes.append(sizes[-1] // eta)
    return budgets, sizes


def trial_slots(sweep: Sweep, rung: int) -> int:
    """Return how many trials a rung can have, promoted or not."""
    # The number of mapped tasks has to be known when the DAG file is rendered.
    return int(sweep["rungs"]["sizes"][rung]) * len(grid.seeds(sweep))


def rung_trials(sweep: Sweep, rung: int, survivors: Sequence[Survivor] = ()) -> list[RungTrial]:
    """Return the trials of a rung, best survivors first, seeds innermost."""
    starts = survivors if rung else map(_first_start, grid.points(sweep))
    size = sweep["rungs"]["sizes"][rung]
    return [
        _trial(sweep, rung, start, seed)
        for start in itertools.islice(starts, size)
        for seed in grid.seeds(sweep)
    ]


def rung_trial(
    sweep: Sweep, rung: int, index: int, survivors: Sequence[Survivor] = ()
) -> RungTrial | None:
    """Return one trial of a rung, None where fewer were promoted than the rung can have."""
    seeds = grid.seeds(sweep)
    place, seed = divmod(index, len(seeds))
    if place >= sweep["rungs"]["sizes"][rung] or (rung and place >= len(survivors)):
        return None
    start = survivors[place] if rung else _first_start(grid.points(sweep)[place])
    return _trial(sweep, rung, start, seeds[seed])


def _first_start(point: Parameters) -> Survivor:
    """Return where a point starts that no rung before has trained."""
    return {"parameters": point, "models": {}}


def _trial(sweep: Sweep, rung: int, start: Survivor, seed: Parameters) -> RungTrial:
    fixed = {sweep["rungs"]["argument"]: sweep["rungs"]["budgets"][rung]}
    trial = grid.seeded({**start["parameters"], **fixed}, seed)
    return RungTrial(trial, start["models"].get(_seed(trial.parameters, sweep)))


def promoted(
    sweep: Sweep, rung: int, ranked: Sequence[ranking.RankedPoint], models: Mapping[str, str]
) -> list[Survivor]:
    """Return the points that go on, best first; ``models`` maps a trial's id to its model."""
    # The next rung sets its own budget, and every seed of a point goes on.
    leave = {sweep["rungs"]["argument"], *(["seed"] if sweep.get("seeds") else [])}
    keep = sweep["rungs"]["sizes"][rung + 1]
    return [
        {
            "parameters": {
                name: value
                for name, value in point.results[0].trial.parameters.items()
                if name not in leave
            },
            "mean": point.mean,
            "models": {
                _seed(item.trial.parameters, sweep): models[item.trial.id] for item in point.results
            },
        }
        for point in ranked[:keep]
    ]


def _seed(parameters: Parameters, sweep: Sweep) -> str:
    return str(parameters.get("seed", "")) if sweep.get("seeds") else ""
