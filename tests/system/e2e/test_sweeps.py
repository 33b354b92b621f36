"""A grid, a halving and a study through the real scheduler: the winner is spelt the same in the next job.

`make long` runs twelve trials each in a job of its own and twenty-seven configurations.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from paths import ROOT
from size import LONG, size

PROGRAM = """\
import json, os, pathlib, sys
def write(folder, words):
    given = dict(each[2:].split("=", 1) for each in words if "=" in each)
    score = float(given.get("rate", 0)) + len(given.get("hidden", "")) + float(given.get("momentum", 0))
    metrics = {"metrics": {"score": score}, "schema_version": 1, "step": 1, "complete": True}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "words.json").write_text(json.dumps(words))
    if "CLOUD_ML_HP_METRIC_FILE" in os.environ:
        line = {"score": str(score), "global_step": "1"}
        pathlib.Path(os.environ["CLOUD_ML_HP_METRIC_FILE"]).write_text(json.dumps(line) + chr(10))
place = pathlib.Path(os.environ["GCSFUSE_ROOT"], os.environ["AIP_MODEL_DIR"][5:])
packed = [each for each in sys.argv[1:] if each.startswith("--trials=")]
for name, values in json.loads(packed[0][9:] if packed else "{}").items():
    spelt = {k: v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for k, v in values.items()}
    write(place.parent / name / "model", [f"--{k}={v}" for k, v in spelt.items()])
if not packed:
    write(place, sys.argv[1:])
"""
PACK = "" if LONG else "\n    pack: {trials: 6, varying: [rate, optimizer, momentum, hidden]}"
SPEC = f"""\
pipeline: sweeps
schedule: null
defaults: {{image: "us-docker.pkg.dev/demo/ml/fit:1", machine: {{type: n1-standard-4}}}}
tasks:
  grid:
    type: sweep
    command: &program [python, fit.py]
    metric: &metric {{name: score, goal: maximize}}
    parameters:
      rate: {{values: [1e-3, 0.01]}}
      optimizer: {{values: [sgd, adam]}}
      momentum: {{values: [0.8, 0.9], when: optimizer == 'sgd'}}
      hidden: {{values: [[64, 64], [8]]}}
    parallel: 12{PACK}
  after_grid:
    type: train
    command: *program
    args:
      rate: ${{tasks.grid.parameters.rate}}
      optimizer: ${{tasks.grid.parameters.optimizer}}
      momentum: ${{tasks.grid.parameters.momentum}}
      hidden: ${{tasks.grid.parameters.hidden}}
  halving:
    type: sweep
    method: halving
    trials: {size(3, 27)}
    command: *program
    metric: *metric
    parameters: {{rate: {{min: 1e-4, max: 1e-2, scale: log}}, model.width: {{min: 8, max: 64, step: 8}}}}
    halving: {{argument: epochs, min: 1, max: {size(3, 9)}}}
    parallel: 27
  after_halving:
    type: train
    command: *program
    args:
      rate: ${{tasks.halving.parameters.rate}}
      model.width: ${{tasks.halving.parameters.model.width}}
      epochs: ${{tasks.halving.parameters.epochs}}
  study:
    type: sweep
    method: bayes
    trials: {size(4, 12)}
    command: *program
    metric: *metric
    parameters:
      rate: {{min: 0.5, max: 1.0, step: 0.125}}
      width: {{values: [64, 128]}}
      nesterov: {{values: [true, false], when: width == 128}}
      hidden: {{values: [[64, 64], [8]]}}
  after_study:
    type: train
    command: *program
    args:
      rate: ${{tasks.study.parameters.rate}}
      width: ${{tasks.study.parameters.width}}
      nesterov: ${{tasks.study.parameters.nesterov}}
      hidden: ${{tasks.study.parameters.hidden}}
"""
SWEEPS = {
    "grid": ["optimizer=sgd", "momentum=0.9", "hidden=[64,64]", "rate=0.01"],
    "halving": [f"epochs={size(3, 9)}"],
    "study": ["hidden=[64,64]"],
}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def ran(project: Path) -> subprocess.CompletedProcess[str]:
    (project / "fit.py").write_text(PROGRAM)
    return processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/spec.yaml", "--timeout", "8m"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


@pytest.mark.parametrize("sweep", SWEEPS)
def test_the_next_job_gets_the_words_of_the_winner(
    ran: subprocess.CompletedProcess[str], project: Path, sweep: str
) -> None:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (base,) = project.glob(".dagfactory/emulator/gcs/*/runs/sweeps/*")
    best = read(base / sweep / "best.json")
    won = read(base / sweep / best["trial"] / "model/words.json")
    assert sorted(read(base / f"after_{sweep}" / "model/words.json")) == sorted(won)
    assert {f"--{each}" for each in SWEEPS[sweep]} <= set(won)


def test_as_many_trials_ran_as_were_promised(
    ran: subprocess.CompletedProcess[str], project: Path
) -> None:
    assert ran.returncode == 0
    (base,) = project.glob(".dagfactory/emulator/gcs/*/runs/sweeps/*")
    assert [len(read(base / each / "trials.json")) for each in SWEEPS] == [
        12,
        size(1, 3),
        size(4, 12),
    ]


def read(path: Path) -> Any:
    """Return what a file of JSON holds."""
    return json.loads(path.read_text())
