"""Examples through Airflow 2.11.1: a wait that defers, BigQuery both ways, a gate on a query."""

from __future__ import annotations

from pathlib import Path

import pytest
from laptop import Partner, failures, project_for, run_examples, value
from lines import AIRFLOW_2

from dagfactory.run.events import RunResult
from dagfactory.run.line import VARIABLE
from dagfactory.run.state import State

pytestmark = [pytest.mark.airflow2, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    project = project_for("airflow2", tmp_path_factory.mktemp("project"))
    state = State(Path(project, ".dagfactory"), "airflow2")
    Partner(state).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(AIRFLOW_2))
        return run_examples(project, state, {"trigger_rules": {}, "incremental": {}})


def test_what_was_waited_for_came_and_was_loaded(runs: dict[str, RunResult]) -> None:
    result = runs["trigger_rules"]
    assert (result.state, failures(result)) == ("success", [])
    ended = {task.task_id: task.state for task in result.tasks}
    assert ended.pop("shout") == "skipped"
    assert set(ended.values()) == {"success"}


def test_a_query_opened_the_gate_and_a_partition_was_trained_on(runs: dict[str, RunResult]) -> None:
    result = runs["incremental"]
    assert (result.state, failures(result)) == ("success", [])
    assert "new_rows (20) > 10" in value(result, "enough_new_rows")["reason"]
