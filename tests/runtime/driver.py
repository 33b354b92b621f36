"""A real Airflow in a process of its own: run the DAG named on each line of stdin.

One process serves the whole session, because importing Airflow and the Google provider is slow.
It is not pytest's own process, because Airflow reads its settings once, when it is imported.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # Airflow's own; ours are errors in the tests of the pure modules
sys.path.insert(0, os.environ["AIRFLOW__CORE__DAGS_FOLDER"])


def run(name: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG to its end and return the state of the run and of every task instance."""
    dag = importlib.import_module(name).dag
    dag_run = dag.test(run_conf=conf)
    tasks = dag_run.get_task_instances()
    return {
        "run_id": dag_run.run_id,
        "state": str(dag_run.state),
        "tasks": {key(ti): describe(ti) for ti in tasks},
    }


def key(ti: Any) -> str:
    """Return ``task`` or ``task[3]``."""
    return ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"


def describe(ti: Any) -> dict[str, Any]:
    """Return what a test may look at."""
    return {
        "state": str(ti.state),
        "tries": ti.try_number,
        "label": ti.rendered_map_index,
        "operator": ti.operator,
        "xcom": ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index),
    }


def answer(line: str) -> dict[str, Any]:
    """Serve one request; everything printed meanwhile goes to the file it names."""
    request = json.loads(line)
    with open(request["log"], "w") as log, redirected(log.fileno()):  # noqa: PTH123
        return run(request["dag"], request.get("conf", {}))


@contextlib.contextmanager
def redirected(target: int) -> Any:
    """Send stdout and stderr to a file, also of code that kept the old streams."""
    kept = [os.dup(1), os.dup(2)]
    os.dup2(target, 1)
    os.dup2(target, 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, old in enumerate(kept, start=1):
            os.dup2(old, number)
            os.close(old)


if __name__ == "__main__":
    for request_line in sys.stdin:
        text = json.dumps(answer(request_line), default=str)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
