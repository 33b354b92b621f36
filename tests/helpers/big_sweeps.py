"""Sweeps of ten thousand trials, one for each way to make points, and digests of what they define.

``tests/runtime/sweep_digests.json`` is what commit b122411 made of them, which derived all trials for each:

    git archive b122411 dagfactory | tar -x -C OLD
    PYTHONPATH=OLD python tests/helpers/big_sweeps.py > tests/runtime/sweep_digests.json
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from dagfactory.runtime import grid, halving

RATE = {"min": 1e-5, "max": 1e-1, "scale": "log"}
DECAY = {"min": 0, "max": 0.3}
DRAWN = {"rate": RATE, "decay": DECAY, "width": {"min": 8, "max": 512}, "kind": ["a", "b", True, 1]}
CROWDED = {"width": {"min": 1, "max": 150}, "depth": {"min": 1, "max": 64, "scale": "log"}}
CUBE = {
    "rate": [0.0001 * n for n in range(1, 26)],
    "decay": [0.01 * n for n in range(20)],
    "layers": [[16], [16, 16], 2, 2.0, True],
    "kind": ["a", "b", "a", "c", "d"],
}
RULES = [
    {"rate": 0.0001 * (1 + n % 25), "decay": 0.01 * (n % 20), **({"layers": 2} if n % 3 else {})}
    for n in range(50)
]


def grids() -> dict[str, dict[str, Any]]:
    """Return grids: plain, with rules, with points of their own and seeds, in packs."""
    plain = {"method": "grid", "parameters": CUBE}
    ruled = plain | {"exclude": [*RULES, {"layers": True, "kind": "c"}, {"other": 1}]}
    more = [{"rate": 0.0001, "decay": 0.0, "layers": 2, "kind": "a"}, {"kind": "z"}, {"kind": "z"}]
    return {
        "grid": plain,
        "grid_excluded": ruled,
        "grid_seeds": ruled | {"include": more, "seeds": [3, 1, 3]},
        "grid_packs": ruled | {"seeds": [0, 1], "pack": 7, "shape": ["layers", "absent"]},
        "grid_one": {"method": "grid", "parameters": {"x": [n % 10_000 for n in range(12_000)]}},
    }


def samples() -> dict[str, dict[str, Any]]:
    """Return sampled sweeps, by each method: roomy, crowded with points that come twice, excluded."""
    found = {}
    for method in ("random", "sobol"):
        sweep = {"method": method, "parameters": DRAWN, "trials": 10_000, "draw_seed": 7}
        rules = [{"kind": True}, {"width": 100, "kind": "a"}, {"rate": 1e-5}]
        found[method] = sweep
        found[f"{method}_excluded"] = sweep | {"exclude": rules, "include": [{"rate": 0.5}]}
        found[f"{method}_crowded"] = sweep | {
            "parameters": CROWDED,
            "trials": 9_000,
            "seeds": [5, 6],
        }
        found[f"{method}_short"] = sweep | {"parameters": {"x": [1, 2, 2, 3]}, "trials": 50}
        found[f"{method}_packs"] = sweep | {"pack": 8, "shape": ["width"]}
    return found


def halvings() -> dict[str, dict[str, Any]]:
    """Return sweeps by successive halving, sampled in both ways."""
    rungs = {"argument": "epochs", "budgets": [1, 3], "sizes": [10_000, 3_333]}
    base = {"method": "halving", "parameters": DRAWN, "trials": 10_000, "rungs": rungs}
    return {
        "halving": base | {"draw": "random", "draw_seed": 3},
        "halving_sobol": base | {"draw": "sobol", "draw_seed": 3, "seeds": [0, 1]},
    }


def flat(trials: Iterable[Any]) -> list[Any]:
    """Return trials as JSON shows them, the order of their parameters included."""
    return [[each.id, each.group, list(each.parameters.items())] for each in trials]


def survivors(sweep: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the points that a first rung could have promoted."""
    size = sweep["rungs"]["sizes"][1]
    models = {str(seed): f"gs://b/{seed}" for seed in sweep.get("seeds") or [""]}
    points = list(grid.points(sweep))[-size:]
    return [{"parameters": point, "mean": 0.5, "models": models} for point in points]


def in_rungs(sweep: dict[str, Any]) -> list[Any]:
    """Return the trials of both rungs, and where those of the second continue."""
    # by its name of then, too: this file is also run with the code of b122411
    rung_trials = getattr(halving, "rung_trials", None) or halving.entrants
    first, second = rung_trials(sweep, 0), rung_trials(sweep, 1, survivors(sweep))
    return [[flat([each.trial]), each.model] for each in (*first, *second)]


def in_packs(sweep: dict[str, Any]) -> list[Any]:
    """Return the trials of each pack."""
    return [flat(each) for each in grid.packs(sweep)]


def in_order(sweep: dict[str, Any]) -> list[Any]:
    """Return the trials."""
    return flat(grid.trials(sweep))


def shown(sweep: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """Return what shows all that a sweep defines."""
    return in_rungs if "rungs" in sweep else in_packs if "pack" in sweep else in_order


def digest(sweep: dict[str, Any]) -> list[Any]:
    """Return how many there are, and a hash of all of them."""
    found = shown(sweep)(sweep)
    return [len(found), hashlib.sha256(json.dumps(found).encode()).hexdigest()]


def every() -> dict[str, dict[str, Any]]:
    """Return every sweep by its name."""
    return grids() | samples() | halvings()


if __name__ == "__main__":
    found = {name: digest(sweep) for name, sweep in every().items()}
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
