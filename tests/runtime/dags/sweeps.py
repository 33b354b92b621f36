"""A mapped sweep: some trials fail, some measure nothing; then the choice of the best."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.sweep import BestTrialOperator, VertexTrialOperator

BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}/search"
SWEEP = {
    "method": "grid",
    "parameters": {"lr": [0.1, 0.3]},
    "include": [{"lr": 0.9, "nothing": True}, {"lr": 0.8, "exit": 1, "nothing": True}],
    "seeds": [0, 1],
}
POOL = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "replicaCount": 1,
    "containerSpec": {"imageUri": "trainer", "command": ["python", "worker.py"], "args": []},
}
JOB = {"workerPoolSpecs": [POOL], "baseOutputDirectory": {"outputUriPrefix": BASE}}
CHOICE = {"trials": "trial", "base": BASE, "goal": "maximize"}

with DAG("sweeps", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    trial = VertexTrialOperator.partial(
        task_id="trial",
        project="demo",
        region="us-central1",
        poll=1,
        sweep=SWEEP,
        job=JOB,
        map_index_template="{{ task.trial_label }}",
        max_active_tis_per_dagrun=4,
    ).expand(trial=list(range(8)))
    trial >> BestTrialOperator(task_id="best", metric="accuracy", **CHOICE)
    trial >> BestTrialOperator(task_id="few", metric="accuracy", max_failed=5, **CHOICE)
    trial >> BestTrialOperator(task_id="many", metric="accuracy", max_failed=4, **CHOICE)
    trial >> BestTrialOperator(task_id="none", metric="f1", retries=2, **CHOICE)
