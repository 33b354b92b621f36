"""What ends the job of a task that nobody runs any more."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from deferred import Task

from dagfactory.runtime.awaited import cancel_left_jobs
from dagfactory.runtime.job import VertexJobOperator
from dagfactory.runtime.sweep import VertexTrialOperator

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

POOL = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "replicaCount": 1,
    "containerSpec": {"imageUri": "t", "command": ["sh"], "args": ["-c", "exec sleep 600", "sh"]},
}


def operator(name: str, **arguments: Any) -> VertexJobOperator:
    place = {"project": "demo", "region": "us-central1", "poll": 1}
    return VertexJobOperator(
        task_id=name, job={"workerPoolSpecs": [POOL]}, **(place | {"retries": 0} | arguments)
    )


def test_a_lost_workers_last_try_leaves_no_job():
    name = f"t{uuid4().hex[:8]}"
    made = Task(lambda: operator(name))
    made.execute()
    made.reach(0, "RUNNING")
    cancel_left_jobs({"ti": made.ti, "task": made.make()})  # in the DAG processor
    assert made.reach(0)["state"] == "PIPELINE_STATE_CANCELLED"


def test_nor_does_that_of_a_mapped_task():
    mapped = trials(f"t{uuid4().hex[:8]}", on_failure_callback=own)
    assert mapped.partial_kwargs["on_failure_callback"] == [own, cancel_left_jobs]
    first, second = (
        Task(lambda index=index: mapped.unmap({"trial": index}), SimpleNamespace(map_index=index))
        for index in range(2)
    )
    for each in (first, second):
        each.execute()
        each.reach(0, "RUNNING")
    cancel_left_jobs({"ti": second.ti, "task": mapped})
    assert second.reach(0)["state"] == "PIPELINE_STATE_CANCELLED"
    assert first.reach(0, "RUNNING")
    cancel_left_jobs({"ti": first.ti, "task": mapped})
    first.reach(0, "CANCELLED")


def test_nor_does_that_of_a_task_for_each_item():
    from airflow.providers.common.compat.sdk import DAG

    place = {"project": "demo", "region": "us-central1", "poll": 1}
    with DAG("steps", schedule=None):
        mapped = VertexJobOperator.partial(
            task_id=f"t{uuid4().hex[:8]}", job={"workerPoolSpecs": [POOL]}, **place
        ).expand(params=[{"for_each": 1}])
    item = {"params": {"for_each": 1}}
    made = Task(lambda: mapped.unmap(item), SimpleNamespace(map_index=0))
    made.execute()
    made.reach(0, "RUNNING")
    cancel_left_jobs({"ti": made.ti, "task": mapped})
    made.reach(0, "CANCELLED")


def trials(name: str, **arguments: Any) -> Any:
    """Return a mapped task as a DAG file makes it."""
    from airflow.providers.common.compat.sdk import DAG

    sweep = {"method": "grid", "parameters": {"lr": [0.1, 0.2]}}
    place = {"project": "demo", "region": "us-central1", "poll": 1}
    with DAG("steps", schedule=None):
        return VertexTrialOperator.partial(
            task_id=name, job={"workerPoolSpecs": [POOL]}, sweep=sweep, **place, **arguments
        ).expand(trial=[0, 1])


def own(_context: Any) -> None:
    """Do nothing: a callback of the DAG file."""


@pytest.mark.parametrize("given", [own, [own]])
def test_the_callbacks_of_the_dag_file_stay(given):
    assert operator("x", on_failure_callback=given).on_failure_callback == [own, cancel_left_jobs]


def test_the_providers_trigger_does_not_cancel():
    # docs/runtime.md says so; once it does, that gap is closed there
    spec = find_spec("airflow.providers.google")
    assert spec
    (place,) = spec.submodule_search_locations or ()
    text = Path(place, "cloud/triggers/vertex_ai.py").read_text(encoding="utf-8")
    assert "on_kill" not in text
