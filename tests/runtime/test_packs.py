"""A packed sweep on real Airflow: jobs of several trials, each trial in its place, one best of all."""

from __future__ import annotations

import json

import pytest

from dagfactory.runtime.grid import packs, trials

pytestmark = pytest.mark.airflow

SWEEP = {
    "parameters": {"lr": [0.1, 0.3], "width": [16, 32], "nothing": [None]},
    "include": [{"lr": 0.9, "width": 32, "exit": 1, "nothing": True}],
    "seeds": [0, 1],
    "pack": 3,
    "shape": ["width"],
}


@pytest.fixture(scope="module")
def runs(airflow):
    return airflow.run("packs")


def test_a_pack_with_a_failed_trial_fails_and_the_others_count(runs):
    states = runs.states()
    assert [states[f"trial[{index}]"] for index in range(4)] == ["success"] * 3 + ["failed"]
    assert states["best"] == "success"
    found = runs.xcom("best")
    assert (found["trials"], found["parameters"]["lr"]) == (10, 0.3)
    assert found["failed"] == [each.id for each in trials(SWEEP)[8:]]


def test_the_label_shows_the_trials(runs):
    assert runs.tasks["trial[0]"]["label"] == "3 trials: lr=0.1,0.3 width=16 nothing=None seed=0,1"
    assert runs.tasks["trial[1]"]["label"] == "lr=0.3 width=16 nothing=None seed=1"


def test_each_trial_is_written_where_a_job_of_its_own_would_have(runs, bucket):
    base = f"runs/packs/{runs.run_id}/search"
    outputs = runs.xcom("trial[0]")["outputs"]
    assert list(outputs) == [each.id for each in packs(SWEEP)[0]]
    for each in packs(SWEEP)[0]:
        assert outputs[each.id]["model_dir"] == f"gs://demo-ml/{base}/{each.id}/model"
        options = json.loads((bucket / base / each.id / "model" / "options.json").read_text())
        assert options == {"e": "2", "lr": each.parameters["lr"], "width": 16} | {
            "seed": each.parameters["seed"]
        }


def test_the_best_of_all_packs_wins(runs):
    best = runs.xcom("best")
    winner = next(each for each in trials(SWEEP) if each.parameters["lr"] == 0.3)
    assert best["parameters"] | {"width": 0} == winner.parameters | {"width": 0}
    assert best["value"] == pytest.approx(0.8)
    assert best["mean"] == pytest.approx(0.775)
