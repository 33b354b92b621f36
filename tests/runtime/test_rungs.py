"""Successive halving on real Airflow: the better points go on, each from its own model."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def rungs(airflow):
    return airflow.run("rungs")


@pytest.fixture(scope="module")
def search(rungs, bucket):
    return bucket / "runs/rungs" / rungs.run_id / "search"


def labels(rungs, rung):
    names = sorted(name for name in rungs.tasks if name.startswith(f"rung_{rung}["))
    return [rungs.tasks[name]["label"] for name in names]


def test_only_the_trial_that_fails_fails(rungs):
    failed = {name for name, state in rungs.states().items() if state != "success"}
    assert failed == {"rung_0[5]"}
    assert rungs.state == "success"


def test_the_better_points_go_on_best_first_and_train_longer(rungs):
    assert labels(rungs, 0)[:2] == ["lr=0.1 epochs=1", "lr=0.2 epochs=1"]
    assert labels(rungs, 1)[:2] == ["lr=0.4 epochs=2", "lr=0.3 epochs=2"]
    assert labels(rungs, 2) == ["lr=0.4 epochs=4"]


def test_a_place_that_nobody_reached_is_done_without_a_job(rungs, service):
    assert labels(rungs, 1)[4] == "no trial"
    assert rungs.xcom("rung_1[4]") in ({}, None)
    assert "than this rung has tasks: nothing to do" in rungs.log
    names = [each["displayName"] for each in service("trainingPipelines", "us-central1")]
    assert len([name for name in names if name.startswith("rungs/rung_1")]) == 4


def test_each_goes_on_from_its_own_model(rungs, search):
    best = rungs.xcom("best_2")
    first, second = (
        json.loads((search / trial / "model/options.json").read_text())
        for trial in (rungs.xcom("best_1")["trial"], best["trial"])
    )
    assert first["from"] == rungs.xcom("best_0")["model_dir"]
    assert second["from"] == rungs.xcom("best_1")["model_dir"]
    assert best["parameters"] == {"lr": 0.4, "epochs": 4}


def test_every_rung_leaves_its_leaderboard(search):
    written = {path.name for path in search.glob("*.json")}
    assert written == {
        "best.json",
        "trials.json",
        "rung-0.json",
        "rung-0-trials.json",
        "rung-1.json",
        "rung-1-trials.json",
    }
    first = json.loads((search / "rung-0-trials.json").read_text())
    assert [item["problem"] is None for item in first] == [True] * 4 + [False] * 2
