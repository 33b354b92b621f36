"""Something is killed in the middle of a sweep of twelve trials; `run --rerun-failed` goes on."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import history
import processes
import psutil
import pytest
from size import LONG

from dagfactory.run.records import Record, records

TRIALS = 12
PROGRAM = """\
import json, os, pathlib, sys, time
rate = float(sys.argv[1].split("=")[1])
pathlib.Path(f"begun-{rate}").touch()
time.sleep(1.5)
place = pathlib.Path(os.environ["GCSFUSE_ROOT"], os.environ["AIP_MODEL_DIR"][5:])
place.mkdir(parents=True, exist_ok=True)
metrics = {"metrics": {"score": 1 - abs(rate - 0.7)}, "schema_version": 1, "step": 1, "complete": True}
(place / "metrics.json").write_text(json.dumps(metrics))
pathlib.Path(f"ended-{rate}").touch()
"""
SPEC = """\
pipeline: killed
schedule: null
defaults: {image: "us-docker.pkg.dev/demo/ml/fit:1", machine: {type: n1-standard-4}}
tasks:
  search:
    type: sweep
    command: [python, fit.py]
    metric: {name: score, goal: maximize}
    parameters: {rate: {values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]}}
    parallel: 4
"""
COMMAND = [sys.executable, "-m", "dagfactory"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


COMPONENTS = ("emulator", "scheduler", "triggerer", "dag-processor", "api-server")
VICTIMS = (*COMPONENTS, "worker", "task", "supervisor", "up", "run")
CHOSEN = VICTIMS if LONG else ("emulator", "worker")


def component(root: int, name: str) -> psutil.Process | None:
    """Return the component of an Airflow that writes a log: its processes have no names of their own."""
    writing = []
    for each in psutil.Process(root).children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if Path(f"/proc/{each.pid}/fd/1").readlink().name == f"{name}.log":
                writing.append((each.create_time(), each.pid, each))
    # what it has started writes there as well
    return min(writing)[2] if writing else None


def found(victim: str, up: int, run: int) -> psutil.Process | None:
    """Return what is to be killed; None while it is not there."""
    if victim in {"up", "run"}:
        return psutil.Process({"up": up, "run": run}[victim])
    if victim == "supervisor":
        return next(iter(psutil.Process(up).children()), None)
    if victim in COMPONENTS:
        return component(up, victim)
    workers = (component(up, "scheduler") or psutil.Process()).children()
    tasks = [task for worker in workers for task in worker.children()]
    return next(iter(tasks if victim == "task" else [each.parent() for each in tasks]), None)


def is_in_the_middle(project: Path) -> bool:
    """Whether some trials have ended and others run."""
    ended = len(list(project.glob("ended-*")))
    return ended >= 3 and len(list(project.glob("begun-*"))) > ended


def killed(project: Path, up: int, victim: str) -> str:
    """Run the sweep, kill something in the middle, and return what the run says."""
    command = [*COMMAND, "run", "specs/spec.yaml"]
    log = project / "run.log"
    with (
        log.open("w") as out,
        processes.started(command, cwd=project, stdout=out, stderr=out) as run,
    ):
        processes.wait_until(lambda: is_in_the_middle(project), 120)
        processes.wait_until(lambda: found(victim, up, run.pid), pause=0.01).kill()
        run.wait(280)
    return log.read_text()


def newest(project: Path) -> Record:
    return records(project / ".dagfactory", "killed")[0]


def best(project: Path) -> dict[str, object]:
    (file,) = project.glob(
        f".dagfactory/emulator/gcs/*/runs/killed/{newest(project).run_id}/search/best.json"
    )
    return dict(json.loads(file.read_text()))


def succeeded(project: Path) -> Counter[str]:
    """Return how many jobs of each trial have run to completion in the newest run."""
    every = history.jobs(project / ".dagfactory/emulator")
    mine = max(every, key=lambda each: each.born).task[1]
    return Counter(
        each.task[3] for each in every if each.task[1] == mine and each.state == "SUCCEEDED"
    )


def goes_on(project: Path, said: str, *, told: bool) -> None:
    """Run again what is left; the run has told how, where it was there to tell."""
    assert not told or "go on from there: dagfactory run specs/spec.yaml --rerun-failed" in said
    command = [*COMMAND, "run", "specs/spec.yaml", "--rerun-failed"]
    again = processes.run(command, cwd=project, capture_output=True, text=True)
    assert again.returncode == 0, said + again.stdout + again.stderr


@pytest.mark.parametrize("victim", CHOSEN)
def test_no_trial_is_lost_or_runs_twice_to_completion(
    project: Path, tmp_path: Path, victim: str
) -> None:
    project = shutil.copytree(project, tmp_path / "project")
    (project / "fit.py").write_text(PROGRAM)
    told = processes.output([*COMMAND, "up"], cwd=project)
    try:
        said = killed(project, int(told.split("(process ")[1].split(")")[0]), victim)
        # Airflow itself sees that a process of a task is gone, and tries the task again
        if victim in {"worker", "task"}:
            assert "killed succeeded after" in said, said
        else:
            goes_on(project, said, told=victim != "run")
    finally:
        processes.run([*COMMAND, "up", "--stop"], cwd=project, capture_output=True)
    assert succeeded(project) == dict.fromkeys(map(str, range(TRIALS)), 1)
    chosen = best(project)
    assert (chosen["parameters"], chosen["trials"], chosen["failed"]) == ({"rate": 0.7}, TRIALS, [])
    assert history.problems(project / ".dagfactory/emulator") == []
