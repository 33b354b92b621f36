"""Four trials in two packs through the real scheduler, executor and triggerer, and the best of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import browser
import processes
import pytest
from paths import ROOT

from dagfactory.runtime.grid import packs, trials

SPEC = """\
pipeline: packed
schedule: null
tasks:
  search:
    type: sweep
    module: trainer
    machine: {type: g2-standard-4, provisioning: spot}
    args: {textures: sort-of-clevr, stage: relevance, epochs: 1, limit: 64}
    metric: {name: val_relevance_iou, goal: maximize}
    parameters:
      learning_rate: {values: [1e-3, 1e-2]}
      width: {values: [16, 32]}
    pack: 2
  whole:
    type: validate_checkpoint
    checkpoint: "${tasks.search.checkpoint}"
    require: {states: [participatory], complete: true}
"""
SWEEP = {
    "parameters": {"learning_rate": [1e-3, 1e-2], "width": [16, 32]},
    "pack": 2,
    "shape": ["width"],
}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def ran(project: Path) -> subprocess.CompletedProcess[str]:
    return processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/spec.yaml", "--timeout", "5m"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_jobs_train_four_trials(ran: subprocess.CompletedProcess[str], project: Path) -> None:
    assert ran.returncode == 0, ran.stdout + ran.stderr
    logs = [path.read_text() for path in project.glob(".dagfactory/emulator/jobs/*/attempt-*.log")]
    assert len(logs) == 2
    for made in packs(SWEEP):
        (log,) = [each for each in logs if f"{made[0].id}: finished" in each]
        assert f"{made[1].id}: finished" in log


def test_every_trial_is_ranked_and_the_best_goes_on(
    ran: subprocess.CompletedProcess[str], project: Path
) -> None:
    assert ran.returncode == 0
    (base,) = project.glob(".dagfactory/emulator/gcs/*/runs/packed/*/search")
    ranked = json.loads((base / "trials.json").read_text())
    assert [each["trial"] for each in ranked] == [each.id for each in trials(SWEEP)]
    measured = {
        each.id: json.loads((base / each.id / "model/metrics.json").read_text())["metrics"]
        for each in trials(SWEEP)
    }
    best = json.loads((base / "best.json").read_text())
    assert best["value"] == max(each["val_relevance_iou"] for each in measured.values())
    assert best["failed"] == []


@browser.needed
def test_its_page_shows_every_trial(
    ran: subprocess.CompletedProcess[str], project: Path, tmp_path: Path
) -> None:
    (path,) = project.glob(".dagfactory/results/packed/*.html")
    assert f"  results    {path.relative_to(project)}" in ran.stdout.splitlines()
    with browser.browser(tmp_path) as page:
        page.open(path)
        rows = page.value("document.querySelectorAll('#trials tbody tr').length")
        assert (rows, page.complaints) == (len(trials(SWEEP)), [])
        assert page.value("document.querySelectorAll('.bar.job.succeeded').length") == 2
