"""Every fate of a training job, each as one task."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowException
from dagfactory_runtime_under_test.job import VertexJobOperator
from terminated import sigterm

KEYS = "projects/demo/locations/us-central1/keyRings/r/cryptoKeys"
BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}"
MACHINE = {
    "machineType": "n1-standard-8",
    "acceleratorType": "NVIDIA_TESLA_T4",
}  # in every region here
MACHINE["acceleratorCount"] = 1
SMALL = {"machineType": "g2-standard-8", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}


def job(name: str, *args: str, strategy: str = "SPOT", **fields: Any) -> dict[str, Any]:
    container = {
        "imageUri": "us-docker.pkg.dev/demo/ml/trainer:1",
        "command": ["python", "worker.py"],
        "args": ["--run={{ run_id }}", *args],
        "env": [{"name": "TASK", "value": "{{ task.task_id }}"}],
    }
    pool = {"machineSpec": MACHINE, "replicaCount": 1, "containerSpec": container}
    return {
        "workerPoolSpecs": [pool],
        "scheduling": {"strategy": strategy, "timeout": "600s"},
        "baseOutputDirectory": {"outputUriPrefix": f"{BASE}/{name}"},
        **fields,
    }


def much(name: str) -> dict[str, Any]:
    """Return a job with every field that few jobs have."""
    made = job(
        name,
        enableWebAccess=True,
        persistentResourceId="training-cluster",
        pscInterfaceConfig={"networkAttachment": "projects/p/regions/r/networkAttachments/a"},
    )
    (pool,) = made["workerPoolSpecs"]
    pool["nfsMounts"] = [{"server": "10.0.0.5", "path": "/data", "mountPoint": "data"}]
    pool["machineSpec"] = {
        "machineType": "ct5lp-hightpu-4t",
        "tpuTopology": "2x2",
        "reservationAffinity": {"reservationAffinityType": "ANY_RESERVATION"},
    }
    return made


seen: set[str] = set()
GO = Path(os.environ.get("GCSFUSE_ROOT", "/gcs"))
FOREVER = ["--until=/never", "--at_most=300"]  # a loaded machine takes its time


class DiesAfterLaunch(VertexJobOperator):
    """The worker dies at its first attempt, between launching the job and waiting for it."""

    def _wait(self, job: Any, hiccups: int = 0) -> Any:
        if self.task_id not in seen:
            seen.add(self.task_id)
            raise RuntimeError("the worker died")
        (GO / f"go_{self.task_id}").touch()
        super()._wait(job, hiccups)


class Forgets(VertexJobOperator):
    """Airflow takes a finished first try for a failed one, as its race #72716 makes it do."""

    def execute_complete(self, context: Any, *args: Any, **kwargs: Any) -> Any:
        made = super().execute_complete(context, *args, **kwargs)
        if self.task_id not in seen:
            seen.add(self.task_id)
            raise RuntimeError("Airflow forgot the result")
        return made


class AsksOtherwise(DiesAfterLaunch):
    """The same, but the second attempt asks for other arguments than the first one."""

    def requested_job(self) -> dict[str, Any]:
        attempt = ["--second"] if self.task_id in seen else FOREVER
        return job(self.task_id, *attempt)


class Killed(VertexJobOperator):
    """Airflow ends the task, as it does with one that is cleared or marked while it runs."""

    def _wait(self, job: Any, hiccups: int = 0) -> Any:
        if sigterm():
            raise AirflowException("the task was killed")
        super()._wait(job, hiccups)


class TimesOut(VertexJobOperator):
    """execution_timeout passes while the task is deferred: Airflow resumes it in order to fail."""

    def _time_left(self) -> float:
        return 0.0

    def _wait(self, *_: Any) -> Any:
        self.resume_execution("__fail__", {"error": "Trigger timeout"}, self.context)

    def execute(self, context: Any) -> Any:
        self.context = context
        super().execute(context)


class TimesOutUnresumed(VertexJobOperator):
    """The same in Airflow 2, which calls on_kill of an operator that has not begun again."""

    def _wait(self, *_: Any) -> Any:
        self._identity = {}
        self.on_kill()
        raise AirflowException("the time is up")


class Paused(VertexJobOperator):
    """A job that someone has paused; the emulator has no such state."""

    def _get(self, name: str) -> dict[str, Any]:
        return {**super()._get(name), "state": "PIPELINE_STATE_PAUSED"}


class Dropped(VertexJobOperator):
    """An API that ignores scheduling, as versions that do not know a field do."""

    def _create(self, client: Any, body: dict[str, Any], choice: int) -> Any:
        inputs = {k: v for k, v in body["trainingTaskInputs"].items() if k != "scheduling"}
        return super()._create(client, {**body, "trainingTaskInputs": inputs}, choice)


PLACE = {"project": "demo", "region": "us-central1", "poll": 1}
ONCE = {"retries": 1, "retry_delay": timedelta(0)}

with DAG("jobs", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    VertexJobOperator(
        task_id="train",
        job=job("train"),
        labels={"team": "ML Team"},
        **PLACE,
    )
    VertexJobOperator(
        task_id="asks_much",
        job=much("asks_much"),
        kms_key=f"{KEYS}/{{{{ task.task_id }}}}",
        **PLACE,
    )
    Forgets(task_id="forgets", job=job("forgets"), **PLACE, **ONCE)
    DiesAfterLaunch(
        task_id="dies", job=job("dies", f"--until={GO}/go_dies", "--at_most=60"), **PLACE, **ONCE
    )
    AsksOtherwise(task_id="asks_otherwise", job=job("x"), **PLACE, **ONCE)
    Killed(task_id="killed", job=job("killed", *FOREVER), **PLACE)
    TimesOut(
        task_id="times_out",
        job=job("times_out", *FOREVER),
        execution_timeout=timedelta(seconds=50),
        **PLACE,
    )
    TimesOutUnresumed(task_id="unresumed", job=job("unresumed", *FOREVER), **PLACE)
    Dropped(task_id="dropped", job=job("dropped", *FOREVER), **PLACE, **ONCE)
    Paused(task_id="paused", job=job("paused"), **PLACE)
    VertexJobOperator(task_id="fails", job=job("fails", "--exit=3"), **PLACE, **ONCE)
    VertexJobOperator(task_id="refused", job=job("refused", strategy="CHEAP"), **PLACE, **ONCE)
    VertexJobOperator(
        task_id="stockout",
        job=job("stockout"),
        fallback=[{"region": "us-east4"}, {"strategy": "STANDARD", "machineSpec": SMALL}],
        **(PLACE | {"region": "us-east1"}),
    )
    VertexJobOperator(
        task_id="quota",
        job=job("quota"),
        fallback=[{"region": "europe-west4"}],
        **(PLACE | {"region": "us-west1"}),
    )
    VertexJobOperator(
        task_id="nowhere",
        job=job("nowhere"),
        fallback=[{"strategy": "STANDARD"}],
        **(PLACE | {"region": "asia-east1"}),
    )
