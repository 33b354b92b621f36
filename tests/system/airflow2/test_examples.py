"""Examples through Airflow 2.11.1, all in one: gates, branches, sweeps, stages, Spot, a wait that defers."""

from __future__ import annotations

from pathlib import Path

import pytest
from laptop import SKIPPED, Partner, ended, project_for, run_examples, value
from lines import AIRFLOW_2

from dagfactory.run.airflow_install import VARIABLE
from dagfactory.run.events import RunResult
from dagfactory.run.state_folders import StateFolders

NAMES = (
    "basic_chain",
    "branch_on_accuracy",
    "spot_training",
    "sweep_three",
    "trigger_rules",
    "two_stages",
)

pytestmark = [pytest.mark.airflow2, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunResult]:
    project = project_for("airflow2", tmp_path_factory.mktemp("project"))
    state = StateFolders(Path(project, ".dagfactory"), "airflow2")
    Partner(state).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(AIRFLOW_2))
        return run_examples(project, state, NAMES, ["--fault", "preempt:1"])


@pytest.mark.parametrize("name", NAMES)
def test_every_task_ends_as_it_should(runs: dict[str, RunResult], name: str) -> None:
    assert ended(runs[name]) == SKIPPED[name]


def test_no_task_was_tried_twice(runs: dict[str, RunResult]) -> None:
    tries = {(name, t.task_id): t.tries for name, run in runs.items() for t in run.tasks}
    assert {task for task, count in tries.items() if count > 1} == set()


def test_what_came_out(runs: dict[str, RunResult]) -> None:
    assert value(runs["basic_chain"], "good_enough")["passed"] is False
    assert "0.01" in value(runs["branch_on_accuracy"], "good")["reason"]
    assert "/endpoints/" in value(runs["branch_on_accuracy"], "deploy")["endpoint"]
    trial = next(t for t in runs["sweep_three"].tasks if t.task_id == "search.trial")
    assert trial.instances == {"success": 3}
    assert value(runs["sweep_three"], "search.best")["trials"] == 3
