"""A program for either Airflow line: parse a dags folder, say as JSON what came of it.

Run as `python parse.py DAGS`, with AIRFLOW_HOME set to an empty folder.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import airflow.providers.standard.operators.bash
import airflow.providers.standard.operators.empty  # noqa: F401 - what any task start has loaded

try:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow 2
    from airflow.models.dagbag import DagBag
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

HEAVY = ("torch", "googleapiclient", "grpc")
LATE = ("google.cloud.", "airflow.providers.slack", "airflow.providers.smtp")
"""Packages that only a task or an alert may import."""


def shape(dag: Any) -> dict[str, list[Any]]:
    """Return of every task what must survive serialization."""
    return {
        task.task_id: [
            sorted(task.downstream_task_ids),
            task.task_type,
            task.retries,
            task.pool,
            getattr(task.trigger_rule, "value", task.trigger_rule),
        ]
        for task in dag.tasks
    }


def main(folder: str) -> dict[str, Any]:
    """Parse the folder and describe errors, warnings, DAGs and what was imported."""
    before = set(sys.modules)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bag = DagBag(folder)
    loaded = set(sys.modules) - before
    answer: dict[str, Any] = {"errors": bag.import_errors, "sizes": {}, "same": {}, "edges": {}}
    # GitWildMatchPattern: Airflow's own use of its dependency when it reads any .airflowignore
    answer["warnings"] = [
        str(item.message)
        for item in caught
        if "/airflow/" not in item.filename and "GitWildMatchPattern" not in str(item.message)
    ]
    answer["heavy"] = sorted(
        name for name in loaded if name.partition(".")[0] in HEAVY or name.startswith(LATE)
    )
    for dag in bag.dags.values():
        text = json.dumps(DagSerialization.to_dict(dag))
        again = DagSerialization.from_dict(json.loads(text))
        pairs = zip(shape(dag).items(), shape(again).items(), strict=True)
        answer["sizes"][dag.dag_id] = len(text)
        answer["same"][dag.dag_id] = [pair for pair in pairs if pair[0] != pair[1]]
        answer["edges"][dag.dag_id] = sorted(
            [task.task_id, after] for task in dag.tasks for after in task.downstream_task_ids
        )
    return answer


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1])) + "\n")
