"""A stranger's program on real Airflow: its arguments, its flat metrics, its missing metrics."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def own(airflow):
    return airflow.run("own")


@pytest.fixture(scope="module")
def wrote(own, bucket):
    def read(task: str, name: str = "options") -> dict[str, object]:
        return json.loads(
            (bucket / "runs/own" / own.run_id / task / "model" / f"{name}.json").read_text()
        )

    return read


def test_flat_metrics_of_a_job_that_succeeded_decide_a_gate(own):
    states = own.states()
    assert own.xcom("flat")["metrics"] == {"accuracy": 0.5}
    assert (states["flat_gate"], states["flat_yes"], states["flat_no"]) == (
        "success",
        "success",
        "skipped",
    )


def test_flat_metrics_of_a_job_that_failed_decide_nothing(own):
    states = own.states()
    assert (states["dies"], states["dies_gate"]) == ("failed", "failed")
    assert states["dies_yes"] == states["dies_no"] == "upstream_failed"
    assert "a flat metrics.json does not say that it was complete" in own.log


def test_a_job_without_metrics_says_so_and_its_gate_takes_neither_branch(own):
    states = own.states()
    assert (states["silent"], states["silent_gate"]) == ("success", "failed")
    assert states["silent_yes"] == states["silent_no"] == "upstream_failed"
    assert own.xcom("silent")["metrics"] is None
    assert own.log.count('there is no metrics.json; a program writes {"accuracy": 0.9}, or') >= 2


def test_a_value_reaches_the_program_as_a_literal_would(wrote):
    assert wrote("values") == {
        "flag": "true",
        "options": '{"name":"adam"}',
        "count": "32",
        "text": "a True",
    }
    environment = wrote("values", "environment")
    assert {name: environment.get(name) for name in ("flag", "none", "options", "count")} == {
        "flag": "true",
        "none": None,
        "options": '{"name":"adam"}',
        "count": "32",
    }


def test_the_style_of_the_arguments_is_the_programs(wrote):
    assert wrote("flags") == {"flag": "", "options": '{"name":"adam"}', "count": "32"}


def test_a_trial_with_flat_metrics_wins_only_when_its_job_succeeded(own):
    best = own.xcom("best")
    assert (best["parameters"], best["value"]) == ({"lr": 0.2}, pytest.approx(0.7))
    assert len(best["failed"]) == 1
