"""Runs as JSON: everything that is known but the points of the curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from dagfactory.results.correlation import correlations
from dagfactory.results.model import Experiment, Run

SCHEMA_VERSION = 1


def as_json(runs: Sequence[Run]) -> str:
    """Return the runs as a document with a version."""
    document = {"schema_version": SCHEMA_VERSION, "runs": [_run(each) for each in runs]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _run(run: Run) -> dict[str, Any]:
    found = asdict(replace(run, experiments=()))
    found["experiments"] = [_experiment(each) for each in run.experiments]
    return found | {"hours": run.hours, "usd": run.usd}


def _experiment(experiment: Experiment) -> dict[str, Any]:
    trials = tuple(replace(each, curves={}) for each in experiment.trials)
    found = asdict(replace(experiment, trials=trials))
    for each in found["trials"]:
        del each["curves"]
    return found | {"correlations": correlations(experiment.trials)}
