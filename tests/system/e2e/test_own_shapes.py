"""Five programs as people write them, with twelve lines more: each in a sweep, every trial killed.

`programs/before` knows nothing of this tool: PyTorch with argparse, transformers from a configuration,
scikit-learn, absl flags, `key=value` as with Hydra. The lock has no Hydra, Lightning, XGBoost, accelerate.
"""

from __future__ import annotations

import difflib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import processes
import psutil
import pytest
from paths import ROOT
from size import size

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(580)]

PROGRAMS = Path(__file__).parent / "programs"
EVERY = ("boost", "digits", "linear", "parity", "zen")
NAMES = EVERY[: size(2, 5)]
MOST = 12
HEAD = """\
pipeline: shapes
schedule: null
defaults:
  image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest
  machine: {type: n1-standard-4, provisioning: spot}
tasks:
"""
SWEEPS = {
    "digits": """\
  digits:
    type: sweep
    script: digits.py
    positional: Adam
    args: {epochs: 6, batch-size: 128}
    metric: {name: accuracy, goal: maximize}
    parameters: {lr: {values: [0.003, 0.01]}}
""",
    "parity": """\
  parity:
    type: sweep
    script: parity.py
    args: {num_train_epochs: 4}
    metric: {name: eval_accuracy, goal: maximize}
    parameters: {learning_rate: {values: [0.001, 0.003]}}
""",
    "linear": """\
  linear:
    type: sweep
    script: linear.py
    args: {passes: 60}
    metric: {name: accuracy, goal: maximize}
    parameters: {loss: {values: [hinge, log_loss]}}
""",
    "zen": """\
  zen:
    type: sweep
    script: zen.py
    arguments: argparse
    args: {steps: 60, clip: true}
    metric: {name: loss, goal: minimize}
    parameters: {learning_rate: {values: [0.01, 0.02]}}
""",
    "boost": """\
  boost:
    type: sweep
    script: boost.py
    arguments: hydra
    args: {rounds: 60, +seed: 7}
    metric: {name: accuracy, goal: maximize}
    parameters: {model.max_depth: {values: [1, 2]}}
""",
}
GATE = """\
  {name}_gate:
    type: gate
    metrics: ${{tasks.{name}.model_dir}}/metrics.json
    when: {when}
    then: {name}_good
  {name}_good: {{type: empty}}
"""
WHEN = {
    "digits": "accuracy >= 0.8",
    "parity": "eval_accuracy >= 0.5",
    "linear": "accuracy >= 0.85",
    "zen": "loss <= 3",
    "boost": "accuracy >= 0.9",
}


@pytest.mark.parametrize("name", EVERY)
def test_twelve_lines_are_enough(name: str) -> None:
    old, new = (Path(PROGRAMS, each, f"{name}.py").read_text() for each in ("before", "after"))
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    assert "contract" not in old
    assert 0 < sum(each.startswith("+ ") for each in lines) <= MOST
    assert sum(each.startswith("- ") for each in lines) <= MOST


@pytest.fixture(scope="module")
def killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, dict[Path, float]], str]:
    """Run the pipeline, kill each trial once; return project, what each trial had sealed, output."""
    project = tmp_path_factory.mktemp("project")
    (project / "specs/environments").mkdir(parents=True)
    local = (ROOT / "specs/environments/local.yaml").read_text()
    (project / "specs/environments/local.yaml").write_text(local)
    tasks = (SWEEPS[name] + GATE.format(name=name, when=WHEN[name]) for name in NAMES)
    (project / "specs/shapes.yaml").write_text(HEAD + "".join(tasks))
    contract = (ROOT / "dagfactory/authoring/init/contract.py").read_text()
    (project / "contract.py").write_text(contract)
    for name in NAMES:
        (project / f"{name}.py").write_text((PROGRAMS / "after" / f"{name}.py").read_text())
    output = project / "output"
    command = [sys.executable, "-m", "dagfactory", "run", "specs/shapes.yaml", "--timeout", "8m"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    sealed: dict[str, dict[Path, float]] = {}
    with (
        output.open("w") as file,
        processes.started(
            command, limit=560, cwd=project, env=environment, stdout=file, stderr=subprocess.STDOUT
        ) as run,
    ):
        while run.poll() is None:
            kill_what_has_saved(project / ".dagfactory/emulator", sealed)
            time.sleep(0.02)
    assert run.returncode == 0, output.read_text()
    return project, sealed, output.read_text()


def kill_what_has_saved(state: Path, sealed: dict[str, dict[Path, float]]) -> None:
    """Kill the jobs that have sealed a checkpoint, each trial once: every second one may save first."""
    for file in state.glob("jobs/*/pid"):
        try:
            pid = int(file.read_text().split()[0])
            address = psutil.Process(pid).environ()["AIP_CHECKPOINT_DIR"]
        except (OSError, ValueError, IndexError, KeyError, psutil.Error):
            continue  # begins or ends just now
        folder = state / "gcs" / address.removeprefix("gs://")
        found = {path: path.stat().st_mtime for path in folder.glob("step-*/manifest.json")}
        if found and address not in sealed:
            sealed[address] = found
            os.killpg(pid, signal.SIGTERM if len(sealed) % 2 else signal.SIGKILL)


def test_every_trial_was_killed_and_went_on_from_what_it_had_saved(killed) -> None:
    _, sealed, _ = killed
    assert len(sealed) == 2 * len(NAMES)
    kept = [path.stat().st_mtime == then for each in sealed.values() for path, then in each.items()]
    # who begins anew writes the same steps again
    assert kept.count(True) == len(kept)


@pytest.mark.parametrize("name", NAMES)
def test_the_gate_took_the_best_trial(killed, name: str) -> None:
    project, _, said = killed
    (base,) = project.glob(".dagfactory/emulator/gcs/*/runs/shapes/*")
    assert len(json.loads((base / name / "trials.json").read_text())) == 2
    (row,) = (line for line in said.splitlines() if line.split()[:1] == [f"{name}_good"])
    assert "success" in row
