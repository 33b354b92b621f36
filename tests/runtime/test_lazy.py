"""LazyOperator hands over everything to the operator that it imports when the task runs."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def lazies(airflow, bucket):
    (bucket / "lazy").mkdir()
    (bucket / "lazy" / "lazies.txt").write_text("x")
    return airflow.run("lazies")


def test_the_real_operator_runs_with_templated_arguments(lazies):
    assert lazies.xcom("lists") == ["lazy/lazies.txt"]
    assert "cannot be called outside" not in lazies.log


def test_a_deferrable_operator_is_resumed(lazies):
    assert lazies.states()["defers"] == "success"
    assert "trigger starting" in lazies.log


def test_killing_the_task_kills_what_the_real_operator_started(lazies, emulator):
    assert Path(emulator.env["GCSFUSE_ROOT"], "cleaned").exists()
    assert lazies.xcom("killed") == "Stubborn"


def test_the_real_operator_knows_its_dag_which_job_ids_begin_with(lazies):
    assert lazies.xcom("group.named") == ["lazies", "group.named", "lazies"]


def test_an_unknown_operator_fails_at_once(lazies):
    assert (lazies.states()["unknown"], lazies.tasks["unknown"]["tries"]) == ("failed", 1)
    assert "cannot import airflow.providers.google.cloud.operators.gcs.NoSuchOperator" in lazies.log


def test_a_task_is_shown_under_the_name_of_the_real_operator(lazies):
    assert {name: task["operator"] for name, task in lazies.tasks.items()} == {
        "lists": "GCSListObjectsOperator",
        "defers": "DateTimeSensorAsync",
        "killed": "Stubborn",
        "group.named": "Named",
        "each[0]": "Named",
        "unknown": "NoSuchOperator",
    }
