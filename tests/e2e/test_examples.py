"""Every example through a real scheduler, executor and triggerer, in one Airflow that they share.

What runs is the spec as it is for `local`, with the tables and objects of specs/fixtures. Only the
built-in data set, which each training would make anew, is made once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagfactory.bundle import write
from dagfactory.compile import build
from dagfactory.run.events import Event, RunResult, TaskChange
from dagfactory.run.execute import Options, session
from dagfactory.run.state import State

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "arr-coc-local-ml"
PARAMS: dict[str, dict[str, Any]] = {"branch_on_accuracy": {"deployment_threshold": 0.01}}
POOLS = {"gpu_quota": 4, "bigquery_slots": 1}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "specs", folder / "specs")
    for spec in (folder / "specs/examples").glob("*.yaml"):
        text = spec.read_text()
        spec.write_text(text.replace("sort-of-clevr", f"gs://{BUCKET}/textures"))
    textures(folder)
    return folder


def textures(folder: Path) -> None:
    """Make the data that the trainings share out of the pictures of the fixtures."""
    fixtures = folder / "specs/fixtures"
    command = [sys.executable, "-m", "trainer.textures", f"--output={folder / 'made'}"]
    scenes = fixtures / "bigquery/raw/scenes.jsonl"
    subprocess.run([*command, f"--input={scenes}"], cwd=ROOT, check=True, capture_output=True)
    shutil.copytree(folder / "made/model", fixtures / "gs" / BUCKET / "textures")


class Partner(threading.Thread):
    """Brings what the pipeline `trigger_rules` waits for, once it waits."""

    def __init__(self, objects: Path) -> None:
        super().__init__(daemon=True)
        self.objects, self.waits = objects, threading.Event()

    def see(self, event: Event) -> None:
        if isinstance(event, TaskChange) and (event.task_id, event.after) == (
            "from_partner",
            "deferred",
        ):
            self.waits.set()

    def run(self) -> None:
        if self.waits.wait(300):
            time.sleep(2)  # the trigger has looked in vain by then
            day = time.strftime("%Y-%m-%d", time.gmtime())
            path = self.objects / "partner-drop" / day / "_SUCCESS"
            path.parent.mkdir(parents=True)
            path.touch()


@pytest.fixture(scope="module")
def runs(project: Path) -> Iterator[dict[str, RunResult]]:
    """Run all examples beside each other and return their results by name."""
    specs = sorted((project / "specs/examples").glob("*.yaml"))
    built = build(specs, "local")
    assert built.bundle, built.diagnostics
    write(built.bundle, project / "dags/ml_pipelines")
    state = State(project / ".dagfactory")
    partner = Partner(state.objects)
    partner.start()
    emulator = ["--project", "arr-coc-local", "--fixtures", str(project / "specs/fixtures")]
    emulator += ["--workdir", str(ROOT), "--fault", "preempt:1", "--slots", "3"]
    emulator += ["--secret", "wandb-api-key=canary-wandb", "--secret", "hf-token=canary-hf"]
    names = [spec.stem for spec in specs]
    with session(
        project / "dags", state=state, options=Options(emulator=emulator), on_event=partner.see
    ) as running:
        for name, slots in POOLS.items():
            body = {"name": name, "slots": slots, "include_deferred": False}
            running.stack.api.post("pools", body=body)
        started = running.start_all({name: PARAMS.get(name, {}) for name in names})
        yield {run.watcher.dag_id: run.complete(400) for run in started}


def states(result: RunResult) -> dict[str, str]:
    return {task.task_id: task.state for task in result.tasks}


def test_x(runs: dict[str, RunResult]) -> None:
    for name, result in runs.items():
        print(name, result.state, result.seconds)
        for task in result.tasks:
            print("   ", task.task_id, task.state, task.tries, task.seconds, str(task.value)[:300])
        for failure in result.failures:
            print("   FAIL", failure.task, *failure.tail, sep="\n      ")
