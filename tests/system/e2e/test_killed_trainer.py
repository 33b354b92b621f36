"""The trainer is killed in the middle of a real run: the task's retry resumes, bit for bit.

A pipeline with one training task runs through the real scheduler, executor and triggerer. After the
first checkpoint the job's process gets SIGKILL. The loss sequence of what comes out must equal, in
every bit, that of the same training done alone and undisturbed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest
from paths import ROOT

ARGUMENTS: dict[str, str | int] = {
    "textures": "sort-of-clevr",
    "stage": "answer",
    "epochs": 1,
    "limit": 480,
    "batch": 4,
    "checkpoint_every": 20,
}
SPEC = f"""\
pipeline: killed
schedule: null
tasks:
  train:
    type: train
    module: trainer
    machine: {{type: g2-standard-4, provisioning: spot}}
    args: {json.dumps(ARGUMENTS)}
"""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def killed(project: Path) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run the pipeline, kill the trainer after its first checkpoint; return the result and the step."""
    state, pipe = project / ".dagfactory/emulator", subprocess.PIPE
    with processes.started(
        [sys.executable, "-m", "dagfactory", "run", "specs/spec.yaml", "--timeout", "5m"],
        limit=360,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as run:
        step = 0
        while run.poll() is None and not step:
            step = _newest_checkpoint(state)
            time.sleep(0.02)
        for pid in state.glob("jobs/*/pid"):
            os.killpg(int(pid.read_text().split()[0]), signal.SIGKILL)
        out, err = run.communicate(timeout=360)
    return subprocess.CompletedProcess(run.args, run.returncode, out, err), step


def _newest_checkpoint(state: Path) -> int:
    found = state.glob("gcs/*/runs/killed/*/train/checkpoints/step-*/manifest.json")
    return max((int(path.parent.name.removeprefix("step-")) for path in found), default=0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train alone with the same arguments and return the metrics file."""
    folder = tmp_path_factory.mktemp("alone")
    places = {
        "AIP_MODEL_DIR": "gs://alone/train/model/",
        "AIP_CHECKPOINT_DIR": "gs://alone/train/checkpoints/",
        "GCSFUSE_ROOT": str(folder),
    }
    command = [sys.executable, "-m", "trainer", *(f"--{k}={v}" for k, v in ARGUMENTS.items())]
    environment = os.environ | places | {"PYTHONPATH": str(ROOT)}
    processes.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "alone/train/model/metrics.jsonl"


def losses(path: Path) -> list[tuple[int, str]]:
    """Return (step, loss) of every training step, the loss with all its bits."""
    rows = (json.loads(line) for line in path.read_text().splitlines())
    return [
        (row["step"], float(row["value"]).hex())
        for row in rows
        if (row["split"], row["name"]) == ("train", "loss")
    ]


def test_the_retry_succeeds(killed: tuple[subprocess.CompletedProcess[str], int]) -> None:
    result, step = killed
    assert result.returncode == 0, result.stderr
    assert step >= ARGUMENTS["checkpoint_every"]
    assert "train  success  2" in result.stdout  # the second try


def test_two_jobs_ran_and_the_second_resumed(
    killed: tuple[subprocess.CompletedProcess[str], int], project: Path
) -> None:
    assert killed[0].returncode == 0
    logs = sorted(project.glob(".dagfactory/emulator/jobs/*/attempt-1.log"))
    assert len(logs) == 2
    assert "resum" in logs[1].read_text().lower()


def test_the_loss_sequence_is_that_of_an_undisturbed_run(
    killed: tuple[subprocess.CompletedProcess[str], int], undisturbed: Path, project: Path
) -> None:
    assert killed[0].returncode == 0
    (path,) = project.glob(".dagfactory/emulator/gcs/*/runs/killed/*/train/model/metrics.jsonl")
    resumed, alone = losses(path), losses(undisturbed)
    assert len(alone) > 100
    assert resumed == alone
