"""One validation per state a checkpoint directory can be in."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_under_test.checkpoint import ValidateCheckpointOperator

REQUIRE = {"states": ["propositional", "perspectival"], "max_loss": 10.0, "complete": True}
NAMES = ("good", "newest_unfinished", "broken", "flipped", "empty")

with DAG("checkpoints", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:  # noqa: DTZ001
    for name in NAMES:
        ValidateCheckpointOperator(
            task_id=name,
            checkpoint=f"gs://demo-ml/{{{{ dag.dag_id }}}}/{name}",
            require=REQUIRE,
            retries=1,
        )
    ValidateCheckpointOperator(
        task_id="flipped_by_size",
        checkpoint="gs://demo-ml/checkpoints/flipped",
        require={**REQUIRE, "verify": "size"},
    )
