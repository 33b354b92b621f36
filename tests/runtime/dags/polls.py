"""A job that runs until its task has noticed that a poll failed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.job import VertexJobOperator

NOTICED = Path(os.environ.get("GCSFUSE_ROOT", "/gcs"), "noticed")


class Notices(VertexJobOperator):
    """Let the job end only after the failed poll was survived."""

    def _verify_early(self, created: Any) -> None:
        """Leave the call that fails to the trigger."""

    def _wait_again(self, job: Any, hiccups: int, event: dict[str, Any]) -> Any:
        NOTICED.touch()
        super()._wait_again(job, hiccups, event)


CONTAINER = {
    "imageUri": "trainer",
    "command": ["python", "worker.py"],
    "args": [f"--until={NOTICED}", "--at_most=60"],
}
POOL = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": CONTAINER}

with DAG("polls", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    Notices(
        task_id="train",
        project="demo",
        region="us-central1",
        poll=1,
        job={
            "workerPoolSpecs": [POOL | {"replicaCount": 1}],
            "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/polls"},
        },
    )
