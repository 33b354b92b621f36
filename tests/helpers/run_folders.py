"""Run folders as trainers leave them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random
from typing import Any


class RunFolder:
    """Writes a run's folder the way the contract says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)

    def write(self, name: str, content: Any) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def metrics(self, job: str, **values: Any) -> None:
        long = {"schema_version": 1, "metrics": values, "step": 10, "complete": True}
        self.write(f"{job}/model/metrics.json", long)

    def curve(self, job: str, rows: list[dict[str, Any]]) -> None:
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        self.write(f"{job}/model/metrics.jsonl", lines)

    def sweep(self, task: str, trials: list[dict[str, Any]], *, metric: str = "accuracy") -> None:
        """Write a leaderboard as the runtime does; a trial is its name, parameters and value."""
        known = [{"group": each["trial"], "problem": None, **each} for each in trials]
        self.write(f"{task}/trials.json", known)
        best = max((t for t in known if t["value"] is not None), key=lambda t: t["value"])
        self.write(f"{task}/best.json", {**best, "metric": metric, "trials": len(known)})


def drawn_trials(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Trials over several decades, a few of which come to nothing."""
    random, found = Random(seed), []  # noqa: S311 - a sample, the same for everybody
    for number in range(count):
        rate = 10 ** random.uniform(-5, -1)
        parameters = {
            "learning_rate": rate,
            "width": random.randint(8, 64),
            "optimizer": random.choice(["adam", "sgd"]),
        }
        value = 0.9 - 0.05 * (math.log10(rate) + 3) ** 2 + random.gauss(0, 0.01)
        lost = number % 25 == 7
        found.append(
            {
                "trial": f"{number:010x}",
                "parameters": parameters,
                "value": None if lost else value,
                "problem": "there is no metrics.json" if lost else None,
            }
        )
    return found
