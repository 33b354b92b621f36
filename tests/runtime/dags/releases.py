"""Register a model, deploy it; each dies once after the work is done, so that it runs again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.endpoint import DeployModelOperator
from dagfactory_runtime_under_test.registry import RegisterModelOperator

seen: set[tuple[str, str]] = set()


def die_once(context: Any, task_id: str) -> None:
    key = (context["run_id"], task_id)
    if key not in seen:
        seen.add(key)
        raise RuntimeError("the worker died")


class Registers(RegisterModelOperator):
    def execute(self, context: Any) -> Any:
        answer = super().execute(context)
        die_once(context, self.task_id)
        return answer


class Deploys(DeployModelOperator):
    def execute(self, context: Any) -> Any:
        answer = super().execute(context)
        die_once(context, self.task_id)
        return answer


ONCE = {"retries": 1, "retry_delay": timedelta(0), "poll": 1}
PLACE = {"project": "demo", "region": "us-central1", **ONCE}
MODEL = "{{ ti.xcom_pull(task_ids='register')['model'] }}"
MACHINE = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "minReplicaCount": 1,
    "maxReplicaCount": 1,
}

with DAG("releases", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    register = Registers(
        task_id="register",
        model={
            "displayName": "arr-coc",
            "artifactUri": "gs://demo-ml/runs/{{ run_id }}/train/model",
            "containerSpec": {
                "imageUri": "us-docker.pkg.dev/demo/ml/serve:1",
                "args": ["--workers=2"],
                "env": [{"name": "BATCH", "value": "16"}],
            },
        },
        aliases=["staging"],
        labels={"team": "ml"},
        **PLACE,
    )
    (
        register
        >> Deploys(
            task_id="deploy",
            model=MODEL,
            endpoint="arr-coc-staging",
            traffic={"new": 10, "current": 90},
            machine=MACHINE,
            network="projects/1/global/networks/ml",
            service_account="serve@demo.iam.gserviceaccount.com",
            **PLACE,
        )
        >> DeployModelOperator(
            task_id="promote",
            model=MODEL,
            endpoint="arr-coc-{{ dag_run.conf.get('promote', 'other') }}",
            traffic={"new": 100, "current": 0},
            machine=MACHINE,
            undeploy_idle=True,
            **PLACE,
        )
    )
