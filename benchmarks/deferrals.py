"""Short waits in Airflow 3 on SQLite, with and without `dagfactory.run.embedded`: what goes wrong.

Usage: python benchmarks/deferrals.py [rounds]

Each round runs 84 tasks (14 DAGs of 6) in each way. Every task defers to a trigger that fires at once.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagfactory.run import local_airflow as stack
from dagfactory.run.airflow_api import AirflowApiError
from dagfactory.run.events import RunError
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.state_folders import StateFolders

DAG = """
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from pendulum import datetime


class Wait(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(0)), method_name="resume")

    def resume(self, context, event):
        pass


with DAG("{}", start_date=datetime(2026, 1, 1), schedule=None):
    for chain in "ab":
        tasks = [Wait(task_id=chain + step, retries=1) for step in "123"]
        tasks[0] >> tasks[1] >> tasks[2]
"""
NAMES = [f"d{number}" for number in range(14)]
LONGEST = 300.0  # seconds of one way's round; a run that has not ended then counts as it stands
MISMATCH = re.compile("finished with state success, but")
AS_IT_COMES = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
}

ARMS = {
    "as it comes": {"executor": False, "server": False},
    "with our server's record": {"executor": False, "server": True},
    "with our executor too": {"executor": True, "server": True},
}


@contextmanager
def arm(*, executor: bool, server: bool) -> Iterator[None]:
    """Run Airflow with each of our repairs, or without."""
    environment, preload = stack.airflow_environment, stack.preload_modules
    if not executor:
        stack.airflow_environment = lambda *given: environment(*given) | AS_IT_COMES
    if not server:
        stack.preload_modules = lambda *given: {**preload(*given), "server": []}
    try:
        yield
    finally:
        stack.airflow_environment, stack.preload_modules = environment, preload


def measure(folder: Path) -> str:
    """Run every DAG once and return what became of the tasks."""
    dags, state = folder / "dags", StateFolders(folder / "state")
    dags.mkdir()
    for name in NAMES:
        (dags / f"{name}.py").write_text(DAG.format(name))
    options = RunOptions(emulator=None)
    with session(dags, state=state, options=options, on_event=lambda _: None) as running:
        began = time.monotonic()
        try:
            runs = [running.start(name, {}) for name in NAMES]
            results = [run.complete(began + LONGEST - time.monotonic()) for run in runs]
        except (
            AirflowApiError,
            RunError,
            OSError,
        ) as error:  # an answer that does not come is an OSError
            return f"gave up after {time.monotonic() - began:.0f} s: {type(error).__name__}"
        seconds = time.monotonic() - began
    tasks = [task for result in results for task in result.tasks]
    mismatches = len(MISMATCH.findall((state.logs / "scheduler.log").read_text()))
    states = Counter(task.state for task in tasks)
    retried = sum(task.tries > 1 for task in tasks)
    return f"{seconds:4.0f} s, {mismatches:3} wrong ends, {retried:3} tried again, {dict(states)}"


def main(rounds: int) -> None:
    """Print one line for each arm of each round."""
    for _ in range(rounds):
        for name, repairs in ARMS.items():
            with tempfile.TemporaryDirectory() as folder, arm(**repairs):
                print(f"{name:24} {measure(Path(folder))}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
