"""What a task pays before its first request, above an empty task: CPU and memory, two versions.

Usage: python benchmarks/taskstart.py [commit] [repeats]

A fresh process loads what every task loads (the operator over Airflow's SDK), makes the clients of two
regions of Vertex AI and of Cloud Storage, lists jobs in both regions of the emulator and asks for one object.
`commit` (b122411), the working tree and an empty process take turns; medians.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REGIONS = ("us-central1", "us-east4")


def connected(operator: Any) -> None:
    """List the jobs of two regions and look for an object, by the interface of either version."""
    store = operator.store()
    for client in operator.clients(REGIONS):
        if hasattr(client, "locations"):
            list(client.pages(client.locations.trainingPipelines(), "trainingPipelines"))
        else:
            list(client.pages("trainingPipelines", "trainingPipelines"))
    store.read_json("gs://demo-ml/none.json")


def measured(kind: str) -> tuple[float, float]:
    """Return CPU ms and MB of this process after what one kind of task does."""
    from dagfactory.runtime.job import VertexJobOperator

    job = {"baseOutputDirectory": {"outputUriPrefix": "gs://b/r"}, "workerPoolSpecs": [{}]}
    operator = VertexJobOperator(task_id="t", project="demo", region=REGIONS[0], job=job)
    # what the task runner itself imports before any operator runs
    from airflow.providers.common.compat.sdk import BaseHook

    BaseHook.get_connection("google_cloud_default")
    if kind != "empty":
        connected(operator)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return 1000 * time.process_time(), peak


def in_process(kind: str, code: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Return the figures of a fresh process."""
    command = [sys.executable, __file__, "--measure", kind]
    merged = os.environ | environment | {"PYTHONPATH": str(code)}
    done = subprocess.run(command, env=merged, capture_output=True, check=True, cwd="/")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def main(commit: str, repeats: int) -> None:
    """Print what each version costs above the empty process."""
    from dagfactory.emulator.client import start

    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit, "dagfactory"], cwd=ROOT, capture_output=True, check=True
        )
        old = Path(folder) / "old"
        old.mkdir()
        subprocess.run(["tar", "-x", "-C", old], input=archive.stdout, check=True)
        with start(Path(folder) / "emulator") as emulator:
            environment = emulator.env | {"AIRFLOW_HOME": folder}
            sides = {"empty": ROOT, commit: old, "now": ROOT}
            samples: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
            for _ in range(repeats):
                for name, code in sides.items():
                    samples[name].append(in_process(name, code, environment))
    middle = {
        name: [statistics.median(figures) for figures in zip(*taken, strict=True)]
        for name, taken in samples.items()
    }
    print(f"above an empty task of {middle['empty'][0]:.0f} ms and {middle['empty'][1]:.0f} MB,")
    print(f"medians of {repeats} processes each")
    for name in (commit, "now"):
        cpu, memory = (middle[name][at] - middle["empty"][at] for at in (0, 1))
        print(f"{name:10} {cpu:6.0f} ms CPU {memory:6.1f} MB")


if __name__ == "__main__":
    if "--measure" in sys.argv:
        print(json.dumps(measured(sys.argv[-1])))
    else:
        given = sys.argv[1:] + ["b122411", "5"][len(sys.argv) - 1 :]
        main(given[0], int(given[1]))
