"""Every example through a real scheduler, executor and triggerer, in one Airflow that they share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from laptop import BUCKET, SKIPPED, Partner, ended, project_for, run_examples, value
from paths import ROOT

from dagfactory.run.events import RunResult
from dagfactory.run.state_folders import StateFolders

CANARY = "canary-3c1f9a"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_for("airflow3", tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def state(project: Path) -> StateFolders:
    return StateFolders(project / ".dagfactory")


@pytest.fixture(scope="module")
def partner(state: StateFolders) -> Partner:
    return Partner(state)


@pytest.fixture(scope="module")
def runs(project: Path, state: StateFolders, partner: Partner) -> dict[str, RunResult]:
    partner.start()
    emulator = ["--fault", "preempt:1"]
    emulator += ["--secret", f"wandb-api-key={CANARY}", "--secret", f"hf-token={CANARY}"]
    return run_examples(project, state, SKIPPED, emulator)


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_every_task_ends_as_it_should(runs: dict[str, RunResult], name: str) -> None:
    assert ended(runs[name]) == SKIPPED[name]


def test_every_example_is_run(runs: dict[str, RunResult]) -> None:
    every = {path.stem for path in (ROOT / "specs/examples").glob("*.yaml")}
    assert set(runs) == every - {"python_package"}  # it names a package that is nowhere


@pytest.mark.parametrize(
    ("name", "gate", "passed", "reason"),
    [
        ("basic_chain", "good_enough", False, "accuracy"),
        ("branch_on_accuracy", "good", True, "params.deployment_threshold (0.01)"),
        ("incremental", "enough_new_rows", True, "new_rows (20) > 10"),
        ("warehouse_to_endpoint", "good_enough", True, "accuracy"),
    ],
)
def test_what_the_gates_decided(
    runs: dict[str, RunResult], name: str, gate: str, passed: bool, reason: str
) -> None:
    decided = value(runs[name], gate)
    assert decided["passed"] is passed
    assert reason in decided["reason"]


def rows(state: StateFolders, sql: str) -> list[dict[str, Any]]:
    """Ask the tables that the emulator left."""
    from dagfactory.emulator.bigquery.translate import QueryContext, translate
    from dagfactory.emulator.bigquery.warehouse import Warehouse

    warehouse = Warehouse(state.emulator / "bigquery")
    scope = QueryContext("arr-coc-local", {}, (), lambda name: warehouse.table(name).name.sql)
    (statement,) = translate(sql, scope)
    with warehouse.cursor() as cursor:
        cursor.execute(statement.sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_tables_hold_what_the_pipelines_wrote(
    runs: dict[str, RunResult], state: StateFolders
) -> None:
    assert runs
    images = rows(
        state, "SELECT COUNT(*) AS n, SUM(ARRAY_LENGTH(questions)) AS q FROM features.textures"
    )
    assert images == [{"n": 20, "q": 400}]
    partner = rows(state, "SELECT image_id, label FROM raw.partner ORDER BY image_id")
    assert [row["label"] for row in partner] == ["yes", None]
    table = value(runs["warehouse_to_endpoint"], "predict")["output_info"]["bigquery_output_table"]
    predicted = rows(state, f"SELECT question, prediction FROM predictions.{table}")  # noqa: S608
    assert len(predicted) == 4
    assert {"answer"} == {key for row in predicted for key in json.loads(row["prediction"])}


def test_objects_are_where_they_belong(runs: dict[str, RunResult], state: StateFolders) -> None:
    bucket = state.objects / BUCKET
    assert (bucket / "incremental/latest/metrics.json").exists()
    assert (bucket / "textures/latest/metrics.json").exists()
    (best,) = (bucket / "best").iterdir()
    assert (best / "model.safetensors").exists()
    archive = bucket / "runs/trigger_rules" / runs["trigger_rules"].run_id / "archive"
    assert [path for path in archive.rglob("*") if path.is_file()] == []


def test_a_wait_that_defers_ends_when_the_object_comes(
    runs: dict[str, RunResult], partner: Partner
) -> None:
    assert runs["trigger_rules"].passed
    assert partner.brought


def test_a_spot_machine_was_taken_away_and_the_job_went_on(
    runs: dict[str, RunResult], state: StateFolders
) -> None:
    assert runs
    jobs = [json.loads(path.read_text()) for path in state.emulator.glob("jobs/*/job.json")]
    (spot,) = [job for job in jobs if job.get("display_name", "").startswith("spot_training/spot")]
    assert [attempt["reason"] for attempt in spot["attempts"]] == ["preempted", ""]


def test_three_trials_and_the_best_of_them(runs: dict[str, RunResult]) -> None:
    trial = next(task for task in runs["sweep_three"].tasks if task.task_id == "search.trial")
    assert trial.instances == {"success": 3}
    assert value(runs["sweep_three"], "search.best")["trials"] == 3


def test_a_model_is_registered_and_deployed(runs: dict[str, RunResult]) -> None:
    for name in ("branch_on_accuracy", "warehouse_to_endpoint"):
        assert "/endpoints/" in value(runs[name], "deploy")["endpoint"]


def test_no_secret_is_in_a_log_or_a_file(runs: dict[str, RunResult], state: StateFolders) -> None:
    assert runs
    held = [*state.logs.rglob("*.log"), *state.emulator.glob("jobs/*/*")]
    assert [path for path in held if path.is_file() and CANARY in path.read_text("latin-1")] == []


def task_logs(state: StateFolders, dag: str, task: str) -> str:
    logs = (state.logs / "tasks" / f"dag_id={dag}").glob(f"*/task_id={task}/*")
    return "".join(path.read_text() for path in logs)


def test_jobs_of_bigquery_are_named_after_dag_and_task(
    runs: dict[str, RunResult], state: StateFolders
) -> None:
    assert runs
    log = task_logs(state, "warehouse_to_endpoint", "select")
    assert "airflow_warehouse_to_endpoint_select_" in log
