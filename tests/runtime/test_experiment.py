"""Jobs and trials as runs of a Vertex AI experiment; the SDK's own get_experiment_df is the judge."""

from __future__ import annotations

import json
import sys

import processes
import pytest

from dagfactory.runtime import experiment

pytestmark = pytest.mark.airflow
READ = """
import json
from google.cloud import aiplatform
aiplatform.init(project="demo", location="us-central1")
print(aiplatform.get_experiment_df("arr-coc").to_json(orient="records"))
"""


@pytest.fixture(scope="module")
def ended(airflow):
    return airflow.run("experiments")


@pytest.fixture(scope="module")
def rows(ended, emulator):
    command = [sys.executable, "-W", "ignore", "-c", READ]
    text = processes.output(command, env=emulator.environ())
    every = [
        {name: value for name, value in row.items() if value is not None}
        for row in json.loads(text.splitlines()[-1])
    ]
    return {row.pop("run_name"): row for row in every}


def of(rows, start):
    return [row for name, row in rows.items() if name.startswith(f"{start}-")]


def row(state, **values):
    made = {f"{name.replace('_', '.', 1)}": value for name, value in values.items()}
    own = {"experiment_name": "arr-coc", "run_type": "system.ExperimentRun", "state": state}
    return own | made


def test_a_job_is_a_run_with_its_arguments_and_final_metrics(ended, rows):
    data = f"gs://b/{ended.run_id}"
    expected = row("COMPLETE", param_epochs=3, param_data=data, metric_accuracy=0.5)
    assert of(rows, "exp-train") == [expected]
    assert ended.xcom("exp_train")["experiment"] == "arr-coc"


def test_each_trial_is_a_run_with_its_values(ended, rows):
    found = sorted(of(rows, "exp-trial"), key=lambda each: each["param.lr"])
    assert found == [
        row("COMPLETE", param_epochs=1, param_lr=0.1, metric_accuracy=0.6),
        row("COMPLETE", param_epochs=1, param_lr=0.25, metric_accuracy=0.75),
    ]
    assert ended.xcom("exp_best")["experiment"] == "arr-coc"


def test_trials_of_a_pack_and_of_a_study_are_runs_too(rows):
    packed = sorted((each["param.lr"], each["metric.accuracy"]) for each in of(rows, "exp-pack"))
    assert packed == [(0.1, 0.6), (0.25, 0.75)]
    (tuned,) = of(rows, "exp-tune")
    assert tuned["metric.accuracy"] == pytest.approx(0.5 + tuned["param.lr"])


def test_a_job_that_failed_twice_is_one_run_that_failed(ended, rows):
    assert ended.tasks["exp_fails"]["tries"] == 2
    assert of(rows, "exp-fails") == [row("FAILED", param_exit=1)]


def test_what_cannot_be_written_fails_no_job_and_is_said(ended):
    assert ended.states()["exp_elsewhere"] == "success"
    assert "The experiment Not one is not written: " in ended.log


def test_a_name_is_the_same_in_every_try_and_fits():
    name = experiment.run_name("dag", "Group.a_task" * 20, "manual__2026-01-01T00:00+00:00", 3)
    assert name == experiment.run_name(
        "dag", "Group.a_task" * 20, "manual__2026-01-01T00:00+00:00", 3
    )
    assert len(name) <= experiment.NAME_LENGTH
    others = {
        experiment.run_name("dag", "t", "r", index, part) for index in (1, 2) for part in "ab"
    }
    assert len(others) == 4
