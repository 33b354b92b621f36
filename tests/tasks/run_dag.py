"""Run a DAG of the dags folder to its end; the last line printed is how every task ended."""

from __future__ import annotations

import json
import os
import sys
import warnings
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

warnings.simplefilter("ignore")
sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])


def ended(instance: Any) -> dict[str, Any]:
    """Return state and result of a task instance."""
    return {
        "state": str(instance.state),
        "xcom": instance.xcom_pull(task_ids=instance.task_id),
        "triggered": instance.xcom_pull(task_ids=instance.task_id, key="trigger_run_id"),
    }


def main() -> None:
    """Run the DAG named on the command line."""
    dag = import_module(sys.argv[1]).dag
    run = dag.test(logical_date=datetime(2026, 1, 5, tzinfo=UTC))
    tasks = {each.task_id: ended(each) for each in run.get_task_instances()}
    sys.stdout.write("\n" + json.dumps({"run_id": run.run_id, "tasks": tasks}, default=str) + "\n")


if __name__ == "__main__":
    main()
