"""Trials that wait at once in the embedded Airflow: all resumed, how late, and the triggerer's CPU.

Usage: python benchmarks/deferred.py [trials] [commit]

A grid of trials whose jobs wait until all trials are deferred, then end; run by the working tree, and by
`commit` where one is named (b122411). How late is from a job's end to the end of its trial.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 280  # seconds of one run
PROGRAM = """\
import json, os, pathlib, sys, time
given = dict(each[2:].split("=", 1) for each in sys.argv[1:] if "=" in each)
while not pathlib.Path("HERE/all").exists():
    time.sleep(0.2)
place = pathlib.Path(os.environ["GCSFUSE_ROOT"], os.environ["AIP_MODEL_DIR"][5:])
place.mkdir(parents=True, exist_ok=True)
metrics = {"metrics": {"score": float(given["rate"])}, "schema_version": 1, "step": 1, "complete": True}
(place / "metrics.json").write_text(json.dumps(metrics))
pathlib.Path("HERE/ended", given["rate"]).write_text(str(time.time()))
"""
SPEC = """\
pipeline: deferred
schedule: null
defaults: {{image: "us-docker.pkg.dev/demo/ml/fit:1", machine: {{type: n1-standard-4}}}}
tasks:
  grid:
    type: sweep
    command: [python, fit.py]
    metric: {{name: score, goal: maximize}}
    parameters: {{rate: {{values: {values}}}}}
    parallel: {count}
"""
TRIALS = "SELECT map_index, state, end_date FROM task_instance WHERE map_index >= 0"


def measure(code: Path, folder: Path, count: int) -> str:
    """Run the sweep by one version and return its figures."""
    shutil.copytree(code / "specs/environments", folder / "specs/environments")
    (folder / "ended").mkdir()
    (folder / "specs/deferred.yaml").write_text(SPEC.format(values=list(range(count)), count=count))
    (folder / "fit.py").write_text(PROGRAM.replace("HERE", str(folder)))
    command = [sys.executable, "-P", "-m", "dagfactory", "run", "specs/deferred.yaml"]
    environment = os.environ | {"PYTHONPATH": str(code)}
    began = time.monotonic()
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            most, used = watched(running, folder, count, began + LONGEST)
        finally:
            running.terminate()
            running.wait()
    return figures(folder, most, used, time.monotonic() - began)


def watched(
    running: subprocess.Popen[bytes], folder: Path, count: int, until: float
) -> tuple[int, float]:
    """Return how many trials were deferred at once, and the triggerer's CPU, when a run has ended."""
    most, used = 0, 0.0
    while running.poll() is None and time.monotonic() < until:
        most = max(most, sum(state == "deferred" for _, state, _ in trials(folder)))
        used = max(used, triggerer(folder))
        if most >= count:
            (folder / "all").touch()
        time.sleep(0.5)
    return most, used


def trials(folder: Path) -> list[tuple[int, str, str | None]]:
    """Return what Airflow's database says of the trials; nothing before there is one."""
    address = f"file:{folder}/.dagfactory/home/airflow.db?mode=ro"
    with (
        contextlib.suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(address, uri=True)) as database,
    ):
        return database.execute(TRIALS).fetchall()
    return []


def triggerer(folder: Path) -> float:
    """Return the CPU seconds so far of the triggerer that logs in a folder, children included."""
    log = f"{folder}/.dagfactory/logs/triggerer.log"
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end meanwhile, or be another user's
            # a fork of the supervisor, so that no command line names it
            if str((process / "fd/1").readlink()) == log:
                ticks += _ticks(process)
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(process: Path) -> int:
    """Return the clock ticks of a process and, where they write elsewhere, of its children."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    children = (process / "task" / process.name / "children").read_text().split()
    apart = [process.with_name(each) for each in children]
    here = (process / "fd/1").readlink()
    return (
        int(fields[11])
        + int(fields[12])
        + sum(_ticks(each) for each in apart if (each / "fd/1").readlink() != here)
    )


def figures(folder: Path, most: int, used: float, seconds: float) -> str:
    """Return a line: deferred, resumed, how late, CPU."""
    ended = {int(each.name): float(each.read_text()) for each in (folder / "ended").iterdir()}
    late = [
        datetime.fromisoformat(end).replace(tzinfo=UTC).timestamp() - ended[index]
        for index, state, end in trials(folder)
        if state == "success" and end and index in ended
    ]
    if not late:
        return "no trial ended:\n" + (folder / "log").read_text()[-3000:]
    return (
        f"{most} deferred at once, {len(late)} resumed, late: median {statistics.median(late):.1f} s, "
        f"at most {max(late):.1f} s; triggerer {used:.1f} s of CPU; {seconds:.0f} s in all"
    )


def main(count: int, commit: str | None) -> None:
    """Print a line for each version."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{count} trials  now: {measure(ROOT, folder / 'now', count)}", flush=True)
        if commit:
            archive = subprocess.run(
                ["git", "archive", commit], cwd=ROOT, capture_output=True, check=True
            )
            (folder / "code").mkdir()
            subprocess.run(["tar", "-x", "-C", folder / "code"], input=archive.stdout, check=True)
            print(f"{commit}: {measure(folder / 'code', folder / commit, count)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200, sys.argv[2] if sys.argv[2:] else None)
