"""Programs of a stranger: flat metrics or none, arguments that are values, a job that fails at its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param
from airflow.providers.standard.operators.empty import EmptyOperator
from dagfactory_runtime_under_test.gate import GateOperator
from dagfactory_runtime_under_test.job import VertexJobOperator
from dagfactory_runtime_under_test.sweep import BestTrialOperator, VertexTrialOperator

BASE = "gs://demo-ml/runs/{{ dag.dag_id }}/{{ run_id }}"
WHEN = ["cmp", ["metric", "accuracy"], ">=", ["num", 0.4]]
PLACE: dict[str, Any] = {"project": "demo", "region": "us-central1", "poll": 1}
PARAMS = {
    "flag": Param(default=True),
    "none": Param(None, type=["null", "string"]),
    "options": Param({"name": "adam"}, type="object"),
    "count": Param(32.0, type="number"),
}


def job(name: str, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    container = {
        "imageUri": "trainer",
        "command": ["python", "worker.py"],
        "args": list(args),
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
    }
    machine = {"machineType": "n1-standard-4"}
    return {
        "workerPoolSpecs": [
            {"machineSpec": machine, "replicaCount": 1, "containerSpec": container}
        ],
        "baseOutputDirectory": {"outputUriPrefix": f"{BASE}/{name}"},
    }


def gate(name: str) -> GateOperator:
    """Return a gate on the metrics of a job, decided whatever became of the job."""
    made = GateOperator(
        task_id=f"{name}_gate",
        when=WHEN,
        text="accuracy >= 0.4",
        metrics=f"{BASE}/{name}/model/metrics.json",
        then=[f"{name}_yes"],
        otherwise=[f"{name}_no"],
        trigger_rule="all_done",
    )
    made >> [EmptyOperator(task_id=f"{name}_yes"), EmptyOperator(task_id=f"{name}_no")]
    return made


with DAG(
    "own",
    schedule=None,
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001
    catchup=False,
    params=PARAMS,
) as dag:
    for task, args in {
        "flat": ["--flat=1"],
        "dies": ["--flat=1", "--exit=1"],
        "silent": ["--nothing=1"],
    }.items():
        VertexJobOperator(task_id=task, job=job(task, *args), **PLACE) >> gate(task)
    values = {name: f"{{{{ params.{name} }}}}" for name in PARAMS}
    given = [f"--{name}={value}" for name, value in values.items()]
    VertexJobOperator(
        task_id="values",
        job=job("values", *given, "--text=a {{ params.flag }}", env=values),
        **PLACE,
    )
    VertexJobOperator(
        task_id="flags",
        job=job("flags", *given),
        arguments="argparse",
        **PLACE,
    )
    # the best accuracy belongs to a trial that fails after writing it
    trial = VertexTrialOperator.partial(
        task_id="trial",
        sweep={
            "method": "grid",
            "parameters": {"lr": [0.1, 0.2]},
            "include": [{"lr": 0.4, "exit": 1}],
        },
        job=job("search", "--flat=1"),
        **PLACE,
    ).expand(trial=[0, 1, 2])
    trial >> BestTrialOperator(
        task_id="best", trials="trial", base=f"{BASE}/search", metric="accuracy", goal="maximize"
    )
