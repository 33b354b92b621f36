"""W&B's own engine beside our draws; runs in an environment that has PyPI's `sweeps` and not dagfactory.

Reads questions (`definition`, `units`, `quantiles`, `draws`) from standard input as JSON; an answer has
the largest relative difference of a quantile and the p of a test that the draws follow W&B's law.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import numpy as np
from scipy import stats
from sweeps.params import HyperParameter

DRAWS = 10_000


def answer(question: dict[str, Any], seed: int) -> dict[str, float]:
    """Compare one hyperparameter."""
    theirs = HyperParameter("p", question["definition"])
    expected = _values(theirs, np.array(question["units"]))
    draws = _values(theirs, np.random.default_rng(seed).random(DRAWS))
    return {
        "quantile": max(map(_difference, expected, question["quantiles"])),
        "p": _same_law(draws, question["draws"]),
    }


def _values(parameter: HyperParameter, units: Any) -> list[Any]:
    found = parameter.ppf(units)
    return list(found) if isinstance(found, list | np.ndarray) else [found] * len(units)


def _difference(one: Any, other: Any) -> float:
    if isinstance(one, str | bool) or isinstance(other, str | bool):
        return float(str(one) != str(other))
    one, other = float(one), float(other)
    return abs(one - other) / max(abs(one), 1e-9)


def _same_law(theirs: list[Any], ours: list[Any]) -> float:
    # W&B's third step of 0.1 is a little above 0.3
    theirs = [float(f"{each:.12g}") if isinstance(each, float) else each for each in theirs]
    kinds = {*map(str, theirs), *map(str, ours)}
    if len(kinds) == 1:
        return 1.0
    if len(kinds) < 20:
        counts = [Counter(map(str, each)) for each in (theirs, ours)]
        table = [[each[kind] for kind in kinds] for each in counts]
        return float(stats.chi2_contingency(table).pvalue)
    return float(stats.ks_2samp(list(map(float, theirs)), list(map(float, ours))).pvalue)


if __name__ == "__main__":
    json.dump([answer(each, at) for at, each in enumerate(json.load(sys.stdin))], sys.stdout)
