"""The examples in an Airflow that they share: for the tests of both lines.

What runs is each spec as it is for `local`, with the tables and objects of specs/fixtures. Only the
built-in data set, which every training would make anew, is made once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import processes
from lines import specs_for
from paths import ROOT

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.run.events import RunResult
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.prepare import buckets
from dagfactory.run.state_folders import StateFolders

BUCKET = "arr-coc-local-ml"
SKIPPED: dict[str, set[str]] = {
    "alerts": set(),
    "basic_chain": {"register"},
    "branch_on_accuracy": {"almost_good", "train_longer", "report"},
    "fan_out_fan_in": set(),
    "incremental": {"nothing_to_do"},
    "pools_and_queues": set(),
    "retries": set(),
    "secrets": set(),
    "spot_training": set(),
    "sweep_halving": set(),
    "sweep_three": set(),
    "trigger_rules": {"shout"},
    "two_stages": set(),
    "warehouse_to_endpoint": {"tell_the_team"},
}
"""Every example with the tasks that it skips here."""

PARAMS: dict[str, dict[str, Any]] = {"branch_on_accuracy": {"deployment_threshold": 0.01}}


def project_for(target: str, folder: Path) -> Path:
    """Copy the specs and give their trainings the textures of the fixtures' pictures."""
    specs = specs_for(target, folder)
    for spec in (specs / "examples").glob("*.yaml"):
        text = spec.read_text()
        text = text.replace("sort-of-clevr", f"gs://{BUCKET}/textures")
        spec.write_text(text.replace("timeout: 30s", "timeout: 5m"))  # a loaded machine is slow
    made = specs / "fixtures/gs" / BUCKET / "textures"
    scenes = specs / "fixtures/bigquery/raw/scenes.jsonl"
    command = [sys.executable, "-m", "trainer.textures", f"--input={scenes}"]
    command.append(f"--output={folder / 'made'}")
    processes.run(command, cwd=ROOT, check=True, capture_output=True)
    made.parent.mkdir(parents=True)
    (folder / "made/model").rename(made)
    return folder


class Partner(threading.Thread):
    """Brings what the pipeline `trigger_rules` waits for, once its trigger has looked in vain."""

    def __init__(self, state: StateFolders) -> None:
        super().__init__(daemon=True)
        self.state, self.brought = state, False

    def run(self) -> None:
        logs = self.state.logs / "tasks/dag_id=trigger_rules"
        waits = "*/task_id=from_partner/*.trigger.*"
        processes.wait_until(lambda: list(logs.glob(waits)), seconds=700, pause=0.2)
        time.sleep(2)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        path = self.state.objects / "partner-drop" / day / "_SUCCESS"
        path.parent.mkdir(parents=True)
        path.touch()
        self.brought = True


def run_examples(
    project: Path,
    state: StateFolders,
    names: Iterable[str],
    emulator: Sequence[str] = (),
) -> dict[str, RunResult]:
    """Run examples beside each other; return their results by name."""
    built = build([project / f"specs/examples/{name}.yaml" for name in names], "local")
    assert built.bundle, built.diagnostics
    write(built.bundle, project / "dags/ml_pipelines")
    given = ["--project", "arr-coc-local", "--fixtures", str(project / "specs/fixtures")]
    given += buckets(project / "dags/ml_pipelines")
    given += ["--workdir", str(ROOT), "--slots", "3", *emulator]
    options = RunOptions(emulator=given, target=state.target)
    with session(
        project / "dags", state=state, options=options, on_event=lambda _: None
    ) as running:
        deadline = time.monotonic() + 700  # a third of it on an idle machine
        started = [running.start(name, PARAMS.get(name, {})) for name in names]
        return {run.watcher.dag_id: run.complete(deadline - time.monotonic()) for run in started}


def ended(result: RunResult) -> set[str]:
    """Return the tasks that a run skipped; every other one must have succeeded."""
    problems = [(failure.task, *failure.tail) for failure in result.failures]
    assert (result.state, problems) == ("success", [])
    states = {task.task_id: task.state for task in result.tasks}
    assert set(states.values()) <= {"success", "skipped"}
    return {task for task, state in states.items() if state == "skipped"}


def value(result: RunResult, task: str) -> Any:
    """Return what a task of a run returned."""
    return next(each.value for each in result.tasks if each.task_id == task)
