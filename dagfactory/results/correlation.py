"""Spearman's rank correlation of a parameter with the metric."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import StatisticsError, correlation
from typing import Any

from dagfactory.results.model import Trial

FEWEST = 3
"""Trials below which ranks say nothing."""


def correlations(trials: Sequence[Trial]) -> dict[str, float]:
    """Return the correlation of each parameter that has an order; a constant one has none."""
    names = dict.fromkeys(name for trial in trials for name in trial.parameters)
    found = {name: spearman(_pairs(trials, name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _pairs(trials: Sequence[Trial], name: str) -> list[tuple[Any, float]]:
    return [
        (trial.parameters.get(name), trial.value) for trial in trials if trial.value is not None
    ]


def spearman(pairs: Sequence[tuple[Any, float]]) -> float | None:
    """Return Pearson's correlation of the ranks; None without an order, or with fewer than three pairs."""
    ordered = all(isinstance(x, int | float) for x, _ in pairs)  # true and false are 1 and 0
    if len(pairs) < FEWEST or not ordered:
        return None
    x, y = ranks([float(x) for x, _ in pairs]), ranks([y for _, y in pairs])
    try:
        return correlation(x, y)
    except StatisticsError:  # one of them is constant
        return None


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1 on; equal ones share their mean rank."""
    places: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(rank)
    return [sum(places[value]) / len(places[value]) for value in values]
