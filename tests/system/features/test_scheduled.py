"""What only the line's own scheduler and triggerer show: runs started by assets, and waiting for a DAG."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from features import TARGET, rendered
from lines import PYTHON

from dagfactory.run import local_airflow as stack_module
from dagfactory.run.airflow_install import VARIABLE, line_of
from dagfactory.run.dag_parsed import DagParsed
from dagfactory.run.execute import trigger
from dagfactory.run.local_airflow import AirflowStart, PhaseTimer, RunningAirflow
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TABLE = "gs://demo-ml/tables/images"
SPECS = {
    "producer": f"tasks:\n  export: {{type: bash, command: echo 1, outlets: ['{TABLE}', words]}}\n",
    "any_of": f"schedule: {{assets: {{any: ['{TABLE}', other]}}}}\ntasks: {{a: {{type: empty}}}}\n",
    "all_of": "schedule: {assets: [words, other]}\ntasks: {a: {type: empty}}\n",
    "or_time": "schedule: {assets: [words], cron: '0 3 29 2 *'}\nstart_date: 2026-01-05\n"
    "tasks: {a: {type: empty}}\n",
    "waited": "tasks: {a: {type: bash, command: sleep 3}, b: {type: bash, command: exit 1, after: [a],"
    " retries: {attempts: 0}}}\n",
    "waiter": "defaults: {poll: 1s, timeout: 60s, retries: {attempts: 0}}\ntasks:\n"
    "  task: {type: wait_for_dag, dag: waited, task: a}\n"
    "  failed: {type: wait_for_dag, dag: waited, task: b}\n"
    "  whole: {type: wait_for_dag, dag: waited, succeed_on: [failed]}\n"
    "  never: {type: wait_for_dag, dag: waited, offset: 1d, timeout: 5s, on_timeout: skip}\n"
    "  while: {type: wait_until, at: '{{ macros.datetime.now(macros.dateutil.tz.UTC)"
    " + macros.timedelta(seconds=1) }}'}\n",
}
BY_HAND = f"""
from airflow.providers.common.compat.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator
from pendulum import datetime

with DAG("by_hand", start_date=datetime(2026, 1, 1), schedule=[Asset("{TABLE}")]) as dag:
    EmptyOperator(task_id="a")
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAirflow]:
    """Run Airflow as `dagfactory run` does, except that schedules start runs here."""
    folder = tmp_path_factory.mktemp("assets")
    texts = {name: f"pipeline: {name}\n{text}" for name, text in SPECS.items()}
    dags = rendered(texts, folder)
    (dags / "by_hand.py").write_text(BY_HAND)
    settings = stack_module.airflow_environment

    def scheduled(*arguments: Any) -> dict[str, str]:
        return settings(*arguments) | {
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, PYTHON)
        patch.setattr(stack_module, "airflow_environment", scheduled)
        clock = PhaseTimer(lambda _: None)
        start = AirflowStart(
            StateFolders(folder / "state", TARGET), dags, clock, line_of(TARGET), None
        )
        with start.up() as stack:
            for name in (*SPECS, "by_hand"):
                stack.wait(DagParsed(stack.api, name, clock.began), name)
            trigger(stack.api, "producer", {})
            for name in ("waiter", "waited"):
                body = {"logical_date": "2026-01-05T00:00:00+00:00", "conf": {}}
                stack.api.post("dags", name, "dagRuns", body=body)
            yield stack


def runs(stack: RunningAirflow, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.api.get("dags", name, "dagRuns")["dag_runs"]
    return found


@pytest.fixture(scope="module")
def ended(running: RunningAirflow) -> Callable[[str], str]:
    def wait(name: str) -> str:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = runs(running, name)
            if found and found[0]["state"] in ("success", "failed"):
                return f"{found[0]['run_type']} {found[0]['state']}"
            running.processes.check(wait=0.5)
        pytest.fail(f"{name} did not run: {runs(running, name)}")

    return wait


KIND = "dataset_triggered" if TARGET == "airflow2" else "asset_triggered"


@pytest.mark.parametrize("name", ["any_of", "or_time", "by_hand"])
def test_an_update_starts_a_run(ended: Callable[[str], str], name: str) -> None:
    assert ended("producer") == "manual success"
    assert ended(name) == f"{KIND} success"


def test_all_of_them_are_waited_for(ended: Callable[[str], str], running: RunningAirflow) -> None:
    assert ended("any_of")
    assert runs(running, "all_of") == []


def test_waiting_for_a_dag(ended: Callable[[str], str], running: RunningAirflow) -> None:
    assert ended("waiter") == "manual failed"
    run = runs(running, "waiter")[0]["dag_run_id"]
    found = running.api.get("dags", "waiter", "dagRuns", run, "taskInstances")["task_instances"]
    states = {each["task_id"]: each["state"] for each in found}
    assert states == {
        "task": "success",
        "failed": "failed",
        "whole": "success",
        "never": "skipped",
        "while": "success",
    }
