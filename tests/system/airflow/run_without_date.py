"""Run the DAG named on the command line with a `conf`, as if assets had started it; print how tasks ended."""

from __future__ import annotations

import json
import os
import sys
import warnings
from datetime import UTC, datetime
from importlib import import_module

warnings.simplefilter("ignore")
sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
DAY = datetime(2026, 1, 5, 6, 30, tzinfo=UTC)


def main() -> None:
    """Run it."""
    name, conf = sys.argv[1:]
    dag = import_module(name).dag
    run = dag.test(run_after=DAY, logical_date=None, run_conf=json.loads(conf))
    ended = {
        each.task_id: [str(each.state), each.xcom_pull(task_ids=each.task_id)]
        for each in run.get_task_instances()
    }
    sys.stdout.write("\n" + json.dumps(ended, default=str) + "\n")


if __name__ == "__main__":
    main()
