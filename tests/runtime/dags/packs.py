"""A mapped sweep whose jobs train up to three trials each; one pack holds a trial that fails."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.pack import VertexPackOperator
from dagfactory_runtime_under_test.sweep import BestTrialOperator

BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}/search"
SWEEP = {
    "method": "grid",
    "parameters": {"lr": [0.1, 0.3], "width": [16, 32], "nothing": [None]},
    "include": [{"lr": 0.9, "width": 32, "exit": 1, "nothing": True}],
    "seeds": [0, 1],
    "pack": 3,
    "shape": ["width"],
}
POOL = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "replicaCount": 1,
    "containerSpec": {"imageUri": "trainer", "command": ["python", "worker.py"], "args": ["--e=2"]},
}
JOB = {"workerPoolSpecs": [POOL], "baseOutputDirectory": {"outputUriPrefix": BASE}}

with DAG("packs", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    trial = VertexPackOperator.partial(
        task_id="trial",
        project="demo",
        region="us-central1",
        poll=1,
        sweep=SWEEP,
        job=JOB,
        fallback=[{"region": "us-east4"}],
        map_index_template="{{ task.trial_label }}",
        max_active_tis_per_dagrun=4,
    ).expand(pack=list(range(4)))
    best = BestTrialOperator(
        task_id="best", trials="trial", base=BASE, metric="accuracy", goal="maximize"
    )
    trial >> best
