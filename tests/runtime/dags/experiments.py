"""Jobs and trials that are runs of an experiment; one fails twice, one names what is no experiment."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.job import VertexJobOperator
from dagfactory_runtime_under_test.pack import VertexPackOperator
from dagfactory_runtime_under_test.sweep import BestTrialOperator, VertexTrialOperator
from dagfactory_runtime_under_test.tune import TuneOperator

RUN = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}"
COMMON = {"project": "demo", "region": "us-central1", "poll": 1, "experiment": "arr-coc"}
GRID = {"method": "grid", "parameters": {"lr": [0.1, 0.25]}}
STUDY = {
    "studySpec": {
        "metrics": [{"metricId": "accuracy", "goal": "MAXIMIZE"}],
        "parameters": [
            {"parameterId": "lr", "doubleValueSpec": {"minValue": 0.1, "maxValue": 0.4}}
        ],
    },
    "maxTrialCount": 1,
    "parallelTrialCount": 1,
}


def job(name: str, *args: str) -> dict[str, object]:
    container = {"imageUri": "trainer", "command": ["python", "worker.py"], "args": list(args)}
    machine = {"machineType": "n1-standard-4"}
    pool = {"machineSpec": machine, "replicaCount": 1, "containerSpec": container}
    place = {"outputUriPrefix": f"{RUN}/{name}"}
    return {"workerPoolSpecs": [pool], "baseOutputDirectory": place}


with DAG("experiments", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    VertexJobOperator(
        task_id="exp_train", job=job("train", "--epochs=3", "--data=gs://b/{{ run_id }}"), **COMMON
    )
    VertexJobOperator(
        task_id="exp_fails",
        job=job("fails", "--exit=1"),
        retries=1,
        retry_delay=timedelta(0),
        **COMMON,
    )
    VertexJobOperator(
        task_id="exp_elsewhere", job=job("elsewhere"), **{**COMMON, "experiment": "Not one"}
    )
    trial = VertexTrialOperator.partial(
        task_id="exp_trial", job=job("trial", "--epochs=1"), sweep=GRID, **COMMON
    ).expand(trial=[0, 1])
    trial >> BestTrialOperator(
        task_id="exp_best",
        trials="exp_trial",
        base=f"{RUN}/trial",
        metric="accuracy",
        goal="maximize",
    )
    VertexPackOperator.partial(
        task_id="exp_pack", job=job("pack"), sweep={**GRID, "pack": 2}, **COMMON
    ).expand(pack=[0])
    TuneOperator(task_id="exp_tune", job=job("tune"), study=STUDY, **COMMON)
