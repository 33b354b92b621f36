"""What a trial costs to find out what it is, above a plain job: CPU of start and resumption, two versions.

Usage: python benchmarks/trials.py [commit]

Each sweep has about 10,000 trials. Each figure is the mean of the first trial, the middle one and the last,
each by operators of its own, as a worker makes them, for `commit` (b122411) and then for the working tree.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "tests" / "helpers"
SWEEPS = ("grid", "grid_excluded", "random", "random_excluded", "sobol", "halving", "random_packs")
JOB = {"workerPoolSpecs": [{}], "baseOutputDirectory": {"outputUriPrefix": "gs://b/runs"}}
SHARED = {"task_id": "t", "project": "p", "region": "r", "job": JOB}


def start_and_resume(make: Callable[[], Any]) -> float:
    """Return the CPU ms of what the start and the resumption of a task ask of its job."""
    began = time.process_time()
    for act in (start, resume):
        operator = make()
        operator.store = (
            None.__class__
        )  # the first rung reads no file, but an older version connected
        act(operator)
    return 1000 * (time.process_time() - began)


def start(operator: Any) -> None:
    """Ask for what a start needs: label, two hashes, the job."""
    getattr(operator, "trial_label", "")
    operator.fingerprint()
    operator.fingerprint()
    placement(operator)


def resume(operator: Any) -> None:
    """Ask for what a resumption needs: two labels, the job, what it wrote."""
    getattr(operator, "trial_label", "")
    getattr(operator, "trial_label", "")
    placement(operator)
    operator.job_outputs()


def placement(operator: Any) -> None:
    """Ask for the job as it is sent, by the method's name in either version."""
    found = getattr(operator, "_placement", None) or getattr(operator, "_variant", None)
    found(0)


def measured() -> dict[str, float]:
    """Return the mean of each sweep in this process, and that of a plain job."""
    from big_sweeps import every

    from dagfactory.runtime import grid, job, pack, sweep

    found = {"plain job": statistics.mean(plain(job) for _ in range(20))}
    sweeps = every()
    for name in SWEEPS:
        made = sweeps[name]
        if "pack" in made:
            count, operator, index = len(grid.packs(made)), pack.VertexPackOperator, "pack"
        else:
            count, operator, index = grid.count(made), sweep.VertexTrialOperator, "trial"
        rung = {"rung": 0} if "rungs" in made else {}
        found[name] = statistics.mean(
            start_and_resume(
                lambda at=at, operator=operator, index=index, made=made, rung=rung: operator(
                    sweep=made, **{index: at}, **rung, **SHARED
                )
            )
            for at in (0, count // 2, count - 1)
        )
    return found


def plain(job: Any) -> float:
    """Return the CPU ms of a job that is no trial."""
    return start_and_resume(lambda: job.VertexJobOperator(**SHARED))


def in_process(code: Path) -> dict[str, float]:
    """Return the figures of one version in a fresh process."""
    environment = os.environ | {"PYTHONPATH": f"{code}{os.pathsep}{HELPERS}"}
    command = [sys.executable, __file__, "--measure"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(commit: str) -> None:
    """Print both versions beside each other."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "dagfactory"], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        before, after = in_process(Path(folder)), in_process(ROOT)
    print("CPU ms of start and resumption above a plain job, one process of each version")
    print(f"{'':18}{commit:>12}{'now':>12}{'ratio':>10}")
    for name in SWEEPS:
        old, new = (side[name] - side["plain job"] for side in (before, after))
        print(f"{name:18}{old:12.1f}{new:12.1f}{old / new:10.0f}")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(json.dumps(measured()))
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else "b122411")
