"""Sweeps that Vertex AI steers: one that ends well, one without its metric, one that is retried."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.tune import TuneOperator

BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}"
seen: set[str] = set()


def study(metric: str) -> dict[str, Any]:
    spaces = {"parameterId": "lr", "doubleValueSpec": {"minValue": 0.01, "maxValue": 0.5}}
    sizes = {"parameterId": "size", "discreteValueSpec": {"values": [64, 128]}}
    layers = {"parameterId": "layers", "integerValueSpec": {"minValue": 1, "maxValue": 4}}
    sizes["conditionalParameterSpecs"] = [
        {"parentDiscreteValues": {"values": [64, 128]}, "parameterSpec": layers}
    ]
    return {
        "studySpec": {
            "metrics": [{"metricId": metric, "goal": "MAXIMIZE"}],
            "parameters": [spaces, sizes],
        },
        "maxTrialCount": 3,
        "parallelTrialCount": 2,
    }


def job(name: str, *args: str) -> dict[str, Any]:
    container = {
        "imageUri": "us-docker.pkg.dev/demo/ml/trainer:1",
        "command": ["python", "worker.py"],
        "args": [*args],
    }
    pool = {
        "machineSpec": {"machineType": "n1-standard-4"},
        "replicaCount": 1,
        "containerSpec": container,
    }
    return {
        "workerPoolSpecs": [pool],
        "scheduling": {"strategy": "SPOT"},
        "baseOutputDirectory": {"outputUriPrefix": f"{BASE}/{name}"},
    }


class DiesAfterLaunch(TuneOperator):
    """The worker dies at its first attempt, between launching the job and waiting for it."""

    def _wait(self, job: Any, hiccups: int = 0) -> Any:
        if self.task_id not in seen:
            seen.add(self.task_id)
            raise RuntimeError("the worker died")
        super()._wait(job, hiccups)


PLACE: dict[str, Any] = {"project": "demo", "region": "us-central1", "poll": 1}

with DAG("tunes", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    TuneOperator(task_id="best", job=job("best"), study=study("accuracy"), **PLACE)
    TuneOperator(task_id="none", job=job("none"), study=study("f1"), **PLACE)
    DiesAfterLaunch(
        task_id="dies",
        job=job("dies"),
        study=study("accuracy"),
        retries=1,
        retry_delay=timedelta(0),
        **PLACE,
    )
