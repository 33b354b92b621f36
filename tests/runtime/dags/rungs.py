"""Successive halving: six points, one of them fails, in three rungs that go on from each other."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, chain
from dagfactory_runtime_under_test.sweep import BestTrialOperator, VertexTrialOperator

BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}/search"
SWEEP = {
    "method": "halving",
    "parameters": {"lr": [0.1, 0.2, 0.3, 0.4]},
    "include": [{"lr": 0.9, "nothing": True}, {"lr": 0.8, "exit": 1, "nothing": True}],
    "rungs": {"argument": "epochs", "budgets": [1, 2, 4], "sizes": [6, 5, 1]},
}
POOL = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "replicaCount": 1,
    "containerSpec": {"imageUri": "trainer", "command": ["python", "worker.py"], "args": []},
}
JOB = {"workerPoolSpecs": [POOL], "baseOutputDirectory": {"outputUriPrefix": BASE}}

with DAG("rungs", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    tasks = []
    for rung, size in enumerate(SWEEP["rungs"]["sizes"]):
        trial = VertexTrialOperator.partial(
            task_id=f"rung_{rung}",
            project="demo",
            region="us-central1",
            poll=1,
            sweep=SWEEP,
            rung=rung,
            carry="from" if rung else None,
            job=JOB,
            map_index_template="{{ task.trial_label }}",
        ).expand(trial=list(range(size)))
        best = BestTrialOperator(
            task_id=f"best_{rung}",
            trials=f"rung_{rung}",
            base=BASE,
            metric="accuracy",
            goal="maximize",
            rung=rung,
        )
        tasks += [trial, best]
    chain(*tasks)
