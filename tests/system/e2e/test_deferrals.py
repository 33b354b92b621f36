"""Many short waits at once, and somebody who clicks meanwhile: what Airflow on SQLite breaks on alone.

Without `dagfactory.run.embedded` a third of these tasks is tried twice or fails, and the API server
stands still for a minute.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import RunResult
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DAG = """
from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from pendulum import datetime


class Wait(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(0)), method_name="resume")

    def resume(self, context, event):
        return "resumed"


with DAG("{}", start_date=datetime(2026, 1, 1), schedule=None):
    for one in range(3):
        Wait(task_id=f"first_{{one}}", retries=1) >> Wait(task_id=f"second_{{one}}", retries=1)
"""
NAMES = ("a", "b", "c", "d")


@dataclass
class Clicks:
    """Changes of DAGs while their tasks ran: how many, and the longest that one took in seconds."""

    count: int = 0
    slowest: float = 0.0

    def until(self, runs: int, api: AirflowApi) -> None:
        end = time.monotonic() + 200
        while api.get("dags", "~", "dagRuns", state="success")["total_entries"] < runs:
            assert time.monotonic() < end
            for name in NAMES:
                began = time.monotonic()
                api.patch("dags", name, body={"is_paused": False})
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.count += 1


@dataclass
class Done:
    results: list[RunResult]
    clicks: Clicks
    recorded: list[dict[str, Any]]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("deferrals")
    dags = folder / "dags"
    dags.mkdir()
    for name in NAMES:
        (dags / f"{name}.py").write_text(DAG.format(name))
    options, clicks = RunOptions(emulator=None), Clicks()
    with session(
        dags, state=StateFolders(folder / "s"), options=options, on_event=print
    ) as running:
        runs = [running.start(name, {}) for name in NAMES]
        clicks.until(len(runs), running.airflow.api)
        recorded = running.airflow.api.get("eventLogs", event="patch_dag", limit=10000)[
            "event_logs"
        ]
        return Done([run.complete(1.0) for run in runs], clicks, recorded)


def test_a_task_whose_wait_is_over_at_once_is_run_once(done: Done) -> None:
    tasks = [task for result in done.results for task in result.tasks]
    assert {(task.state, task.tries, task.value) for task in tasks} == {("success", 1, "resumed")}
    assert len(tasks) == 6 * len(NAMES)
    scheduler = Path(done.results[0].logs, "scheduler.log").read_text()
    assert "TaskInstance Finished" in scheduler
    assert "finished with state success, but" not in scheduler


def test_the_server_answers_whoever_changes_something_meanwhile(done: Done) -> None:
    assert done.clicks.slowest < 30  # it was SQLite's whole lock time-out, 60 s


def test_every_change_is_recorded(done: Done) -> None:
    assert len(done.recorded) == done.clicks.count + len(NAMES)  # starting a run lets its DAG go
    assert {each["dag_id"] for each in done.recorded} == set(NAMES)
