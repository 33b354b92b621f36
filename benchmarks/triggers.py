"""Five hundred jobs that defer together: what the triggerer pays, by the ways that need nothing installed.

Usage: python benchmarks/triggers.py [triggers]

Each way is a fresh process with Airflow's own TriggerRunner, fed as its supervisor feeds it (50 triggers a
second). The provider's triggers all wait for one job of the emulator that runs on. Printed are the CPU until
every trigger has polled once, the longest that the event loop did not come round (CPU of its thread), and the
memory above the imports.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

VERTEX = "airflow.providers.google.cloud.triggers.vertex_ai.CustomContainerTrainingJobTrigger"
WAIT = "airflow.providers.standard.triggers.temporal.TimeDeltaTrigger"
PER_SECOND = 50  # [triggerer] max_trigger_to_select_per_loop
LOOK = 0.01
WAYS = {
    "the provider's trigger": (VERTEX, PER_SECOND),
    "all handed over at once": (VERTEX, 10_000),
    "staggered, 5 a second": (VERTEX, 5),
    "a time to wait for first": (WAIT, PER_SECOND),
}


def arguments(path: str, job: str) -> dict[str, Any]:
    """Return the arguments of a trigger."""
    if path == WAIT:
        return {"delta": timedelta(seconds=600)}
    _, project, _, region, _, identifier = job.split("/")
    return {
        "conn_id": "google_cloud_default",
        "project_id": project,
        "location": region,
        "job_id": identifier,
        "poll_interval": 600,
        "impersonation_chain": None,
    }


def counted() -> Callable[[], int]:
    """Count the polls that have been answered; return what tells how many."""
    from airflow.providers.google.cloud.hooks.vertex_ai.custom_job import CustomJobAsyncHook

    done, real = [], CustomJobAsyncHook.get_training_pipeline

    async def get(*given: Any, **named: Any) -> Any:
        found = await real(*given, **named)
        done.append(found)
        return found

    CustomJobAsyncHook.get_training_pipeline = get
    return lambda: len(done)


async def longest_block(stop: asyncio.Event) -> float:
    """Return the most CPU that the loop's thread used between two of its rounds."""
    # not by the clock: on a busy machine that shows how long others ran
    longest, last = 0.0, time.thread_time()
    while not stop.is_set():
        await asyncio.sleep(LOOK)
        longest, last = max(longest, time.thread_time() - last), time.thread_time()
    return longest


def workloads(path: str, job: str, count: int) -> Iterator[Any]:
    """Yield what the supervisor hands to its process."""
    from airflow.executors.workloads import RunTrigger
    from airflow.models.trigger import Trigger

    encrypted = Trigger.encrypt_kwargs(arguments(path, job))
    for number in range(count):
        yield RunTrigger(id=number, classpath=path, encrypted_kwargs=encrypted)


async def burst(path: str, rate: int, job: str, count: int) -> dict[str, float]:
    """Start the triggers and return CPU s, longest block in s, seconds and MB."""
    from airflow.jobs.triggerer_job_runner import TriggerRunner

    runner, polls, stop = TriggerRunner(), counted(), asyncio.Event()
    runner.get_trigger_by_classpath(path)
    handed = list(workloads(path, job, count))
    watch = asyncio.create_task(longest_block(stop))
    memory, cpu, began = peak(), time.process_time(), time.monotonic()
    while handed:
        runner.to_create.extend(handed[:rate])
        del handed[:rate]
        await runner.create_triggers()
        if handed:
            await asyncio.sleep(1)
    while path == VERTEX and polls() < count:  # noqa: ASYNC110 - what is measured knows no event
        await asyncio.sleep(LOOK)
    stop.set()
    block = await watch
    figures = {
        "cpu": time.process_time() - cpu,
        "block": block,
        "seconds": time.monotonic() - began,
        "memory": peak() - memory,
    }
    for each in runner.triggers.values():
        each["task"].cancel()
    return figures


def peak() -> float:
    """Return the largest resident set so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def running_job(environment: dict[str, str]) -> str:
    """Start a job in the emulator that outlasts the benchmark; return its name."""
    from dagfactory.runtime.session import Session
    from dagfactory.runtime.vertex import VertexClient

    os.environ.update(environment)
    client = VertexClient("demo", "us-central1", Session("google_cloud_default"))
    spec = {
        "workerPoolSpecs": [
            {
                "machineSpec": {"machineType": "n1-standard-4"},
                "replicaCount": 1,
                "containerSpec": {"imageUri": "none", "command": ["sleep", "3600"]},
            }
        ],
        "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/waits"},
    }
    from dagfactory.runtime import jobspec

    body = jobspec.pipeline("waits", spec, {}, None)
    return str(client.send(f"{client.parent}/trainingPipelines", body)["name"])


def in_process(way: str, job: str, count: int) -> dict[str, float]:
    """Return the figures of one way in a fresh process."""
    command = [sys.executable, __file__, "--measure", way, job, str(count)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(count: int) -> None:
    """Print one line for each way."""
    from dagfactory.emulator.client import start

    with (
        tempfile.TemporaryDirectory() as folder,
        start(Path(folder) / "emulator", slots=1, workdir=Path(folder)) as emulator,
    ):
        os.environ["AIRFLOW_HOME"] = folder
        job = running_job(emulator.env)
        print(f"{count} triggers{'CPU s':>20}{'longest block s':>18}{'seconds':>10}{'MB':>8}")
        for way in WAYS:
            found = in_process(way, job, count)
            print(
                f"{way:26}{found['cpu']:8.2f}{found['block']:18.2f}"
                f"{found['seconds']:10.1f}{found['memory']:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if "--measure" in sys.argv:
        way, job, count = sys.argv[2:]
        print(json.dumps(asyncio.run(burst(*WAYS[way], job, int(count)))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
