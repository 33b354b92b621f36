"""A sweep on real Airflow: mapped trials, each in its place, and the best of those that count."""

from __future__ import annotations

import json

import pytest

from dagfactory.runtime.grid import trials

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def sweeps(airflow):
    return airflow.run("sweeps")


@pytest.fixture(scope="module")
def every():
    return trials(
        {
            "parameters": {"lr": [0.1, 0.3]},
            "include": [{"lr": 0.9, "nothing": True}, {"lr": 0.8, "exit": 1, "nothing": True}],
            "seeds": [0, 1],
        }
    )


def test_a_failed_trial_does_not_stop_the_others_nor_the_choice(sweeps):
    failed = {name for name, state in sweeps.states().items() if state == "failed"}
    assert failed == {"trial[6]", "trial[7]", "many", "none"}


def test_so_many_failed_trials_fail_the_choice_and_not_one_less(sweeps):
    assert sweeps.states()["few"] == "success"
    assert "4 of 8 trials failed, 4 fail the sweep" in sweeps.log


def test_each_trial_shows_its_parameters(sweeps):
    assert sweeps.tasks["trial[3]"]["label"] == "lr=0.3 seed=1"


def test_each_trial_gets_its_arguments_and_its_own_directory(sweeps, every, bucket):
    base = f"runs/sweeps/{sweeps.run_id}/search/{every[1].id}"
    assert sweeps.xcom("trial[1]")["outputs"]["model_dir"] == f"gs://demo-ml/{base}/model"
    options = json.loads((bucket / base / "model" / "options.json").read_text())
    assert options == {"lr": "0.1", "seed": "1"}


def test_the_best_point_wins_by_its_mean_and_its_best_seed_is_taken(sweeps, every):
    best = sweeps.xcom("best")
    base = f"gs://demo-ml/runs/sweeps/{sweeps.run_id}/search/{every[2].id}"
    assert best == {
        "trial": every[2].id,
        "parameters": {"lr": 0.3, "seed": 0},
        "metric": "accuracy",
        "value": pytest.approx(0.8),
        "mean": pytest.approx(0.775),
        "model_dir": f"{base}/model",
        "checkpoint": f"{base}/checkpoints",
        "trials": 8,
        "failed": [trial.id for trial in every[4:]],
    }


def test_the_choice_is_written_beside_the_trials(sweeps, every, bucket):
    directory = bucket / "runs/sweeps" / sweeps.run_id / "search"
    assert json.loads((directory / "best.json").read_text()) == sweeps.xcom("best")
    written = json.loads((directory / "trials.json").read_text())
    assert [item["trial"] for item in written] == [trial.id for trial in every]
    assert written[7]["problem"].startswith("there is no metrics.json")


def test_the_leaderboard_is_in_the_log(sweeps, every):
    assert "rank  trial" in sweeps.log
    assert f"   1  {every[2].id}           0.775      2  lr=0.3 seed=0" in sweeps.log


def test_no_usable_metric_fails_at_once_and_names_every_reason(sweeps):
    assert sweeps.tasks["none"]["tries"] == 1
    assert "None of 8 trials has a usable f1" in sweeps.log
    assert "no metric f1 (it has: accuracy)" in sweeps.log
