"""A sweep that Vertex AI steers, on real Airflow: launched once, awaited, judged by metrics.json."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def tunes(airflow):
    return airflow.run("tunes")


@pytest.fixture(scope="module")
def launched(tunes, service):
    every = service("hyperparameterTuningJobs", "us-central1")
    return [job for job in every if job["labels"]["dagfactory-dag"] == "tunes"]


def of(launched, task):
    return [job for job in launched if job["labels"]["dagfactory-task"] == task]


def test_the_best_trial_wins_by_its_metrics_file(tunes, launched):
    assert tunes.states() == {"best": "success", "none": "failed", "dies": "success"}
    best = tunes.xcom("best")
    assert isinstance(best["parameters"]["size"], int)
    (job,) = of(launched, "best")
    rates = {t["id"]: t["parameters"][0]["value"] for t in job["trials"]}
    sizes = {t["id"]: int(t["parameters"][1]["value"]) for t in job["trials"]}
    layers = {t["id"]: int(t["parameters"][2]["value"]) for t in job["trials"]}
    assert isinstance(best["parameters"]["layers"], int)
    assert job["maxFailedTrialCount"] == 3
    winner = max(rates, key=lambda trial: rates[trial])
    base = f"gs://demo-ml/runs/tunes/{tunes.run_id}/best/{winner}"
    assert best == {
        "trial": winner,
        "parameters": {"lr": rates[winner], "size": sizes[winner], "layers": layers[winner]},
        "metric": "accuracy",
        "value": pytest.approx(0.5 + rates[winner]),
        "mean": pytest.approx(0.5 + rates[winner]),
        "model_dir": f"{base}/model",
        "checkpoint": f"{base}/checkpoints",
        "trials": 3,
        "failed": [],
        "job": job["name"],
    }


def test_the_leaderboard_is_written_beside_the_trials(tunes, bucket):
    place = bucket / "runs/tunes" / tunes.run_id / "best"
    written = json.loads((place / "trials.json").read_text())
    assert [item["trial"] for item in written] == ["1", "2", "3"]
    assert json.loads((place / "best.json").read_text())["value"] == tunes.xcom("best")["value"]


def test_a_retry_attaches_to_the_job_that_was_launched(tunes, launched):
    assert tunes.tasks["dies"]["tries"] == 2
    assert len(of(launched, "dies")) == 1


def test_a_metric_that_nothing_reports_fails_with_vertex_words(tunes, launched):
    assert of(launched, "none")[0]["state"] == "JOB_STATE_FAILED"
    assert "none reported the metric" in tunes.log


def test_trials_run_on_the_machines_asked_for(launched):
    assert {job["trialJobSpec"]["scheduling"]["strategy"] for job in launched} == {"SPOT"}
