"""Real operators behind LazyOperator: a plain one, a deferrable one, one that is killed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup
from dagfactory_runtime_under_test.lazy import LazyOperator
from terminated import sigterm

CLEANED = Path(os.environ.get("GCSFUSE_ROOT", "/gcs"), "cleaned")


class Stubborn(BaseOperator):
    """Started something outside, which only its own on_kill can end."""

    def execute(self, context: Any) -> str:
        sigterm()
        return str(context["task"].task_type)

    def on_kill(self) -> None:
        CLEANED.touch()


class Named(BaseOperator):
    """Says what the job ids of Google's operators are made of."""

    def execute(self, context: Any) -> list[str]:
        return [self.dag_id, context["task"].task_id, self.dag.dag_id]


def lazy(task_id: str, path: str, **arguments: Any) -> LazyOperator:
    return LazyOperator(task_id=task_id, operator=path, arguments=arguments, retries=2)


GOOGLE = "airflow.providers.google.cloud.operators.gcs"
STANDARD = "airflow.providers.standard"

with DAG("lazies", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    lazy(
        "lists",
        f"{GOOGLE}.GCSListObjectsOperator",
        bucket="demo-ml",
        prefix="lazy/{{ dag.dag_id }}",
    )
    lazy(
        "defers",
        f"{STANDARD}.sensors.date_time.DateTimeSensorAsync",
        target_time="2026-01-01T00:00:00+00:00",
    )
    lazy("killed", "lazies.Stubborn")
    with TaskGroup("group"):
        lazy("named", "lazies.Named")
    lazy("unknown", f"{GOOGLE}.NoSuchOperator")
    LazyOperator.partial(task_id="each", operator="lazies.Named", arguments={}).expand(
        params=[{"for_each": 1}]
    )
