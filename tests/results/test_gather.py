"""Runs from their folders: by the contract, whatever else lies there."""

import json
import os
from pathlib import Path

import pytest

from dagfactory.results import reading
from dagfactory.results.folder import NoRunError
from dagfactory.results.gather import gather

NOWHERE = Path("/nonexistent")


def read(folder):
    return gather(str(folder.path), NOWHERE)


def test_a_leaderboard_gives_the_trials_the_winner_first(folder):
    trials = [
        {"trial": "a", "parameters": {"lr": 0.1}, "value": 0.5},
        {"trial": "b", "parameters": {"lr": 0.2}, "value": 0.9},
        {"trial": "c", "parameters": {"lr": 0.3}, "value": None, "problem": "no metric accuracy"},
    ]
    folder.sweep("search", trials)
    folder.metrics("search/b", accuracy=0.9, loss=0.1)
    run = read(folder)
    (search,) = run.experiments
    assert (run.pipeline, run.name, search.task) == ("pipeline", "monday", "search")
    assert (search.metric, search.goal) == ("accuracy", "maximize")
    assert [each.name for each in search.trials] == ["b", "a", "c"]
    assert search.trials[0].metrics == {"accuracy": 0.9, "loss": 0.1}
    assert search.trials[2].problem == "no metric accuracy"
    assert list(search.trials[0].files) == ["model/metrics.json"]


def test_a_smaller_winner_says_that_the_metric_is_minimized(folder):
    folder.write("s/trials.json", [{"trial": n, "value": v} for n, v in [("a", 3.0), ("b", 1.0)]])
    folder.write("s/best.json", {"trial": "b", "value": 1.0, "metric": "cost"})
    (search,) = read(folder).experiments
    assert (search.goal, search.trials[0].name) == ("minimize", "b")


def test_a_sweep_that_was_cut_off_is_read_from_its_folders(folder):
    folder.metrics("search/one", accuracy=0.7)
    folder.write("search/two/model/metrics.json", {"accuracy": 0.8})
    folder.curve("search/three", [{"step": 1, "accuracy": 0.1}])
    (search,) = read(folder).experiments
    assert search.is_sweep
    assert [(each.name, each.value) for each in search.trials[:2]] == [("two", 0.8), ("one", 0.7)]
    assert search.trials[2].problem == "there is no metrics.json"


def test_rungs_of_a_halving_are_listed_behind_its_winner(folder):
    first = [{"trial": "a", "value": 0.95}, {"trial": "b", "value": 0.6}]
    folder.write("search/rung-0-trials.json", first)
    folder.write("search/rung-0.json", [{"parameters": {}, "models": {}}])
    folder.write("search/trials.json", [{"trial": "a2", "value": 0.9}])
    folder.write("search/best.json", {"trial": "a2", "value": 0.9, "metric": "accuracy"})
    (search,) = read(folder).experiments
    assert [each.name for each in search.trials] == ["a2", "a", "b"]


def test_other_tasks_are_experiments_of_one_trial(folder):
    folder.metrics("train", val_loss=0.2, val_accuracy=0.9)
    folder.write("group/score/metrics.json", {"rmse": 3})
    run = read(folder)
    assert [(e.task, e.metric, e.goal) for e in run.experiments] == [
        ("group/score", "rmse", "minimize"),
        ("train", "val_accuracy", "maximize"),
    ]


def test_what_is_no_number_never_wins(folder):
    for name, value in {"nan": "NaN", "inf": "Infinity", "huge": "1e999", "text": '"0.99"'}.items():
        folder.write(f"search/{name}/model/metrics.json", f'{{"accuracy": {value}}}')
    folder.write("search/int/model/metrics.json", '{"accuracy": ' + "9" * 400 + "}")
    folder.write("search/good/model/metrics.json", '{"accuracy": 0.5}')
    (search,) = read(folder).experiments
    assert [(t.name, t.value) for t in search.trials if t.value is not None] == [("good", 0.5)]
    assert all(each.problem for each in search.trials[1:])
    json.dumps([each.metrics for each in search.trials], default=dict, allow_nan=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "search/a/model/metrics.json is not JSON"),
        ("[" * 100_000, "search/a/model/metrics.json is not JSON"),
        ("\x00\xff", "search/a/model/metrics.json is not JSON"),
        ("9" * 5000, "search/a/model/metrics.json is not JSON"),
    ],
)
def test_a_broken_file_is_told_and_the_others_are_read(folder, content, said):
    folder.write("search/a/model/metrics.json", content)
    folder.metrics("search/b", accuracy=0.5)
    run = read(folder)
    assert any(said in each for each in run.notes), run.notes
    assert run.experiments[0].trials[0].name == "b"


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", "null", "3", '[3, null, {"trial": 7}]', '[{"trial": "x", "parameters": 3}]'],
)
def test_leaderboards_of_another_shape_are_no_exception(folder, content):
    folder.write("search/trials.json", content)
    folder.write("search/best.json", content)
    folder.metrics("search/b", accuracy=0.5)
    (search,) = read(folder).experiments
    assert "b" in {each.name for each in search.trials}


def test_large_files_are_read_up_to_a_bound(folder, monkeypatch):
    monkeypatch.setattr(reading, "MOST", 1000)
    monkeypatch.setattr(reading, "MOST_LINES", 1000)
    folder.write("train/model/metrics.json", {"note": "x" * 2000})
    folder.curve("train", [{"step": step, "loss": 1 / step} for step in range(1, 200)])
    run = read(folder)
    assert len(run.notes) == 2
    (trial,) = run.experiments[0].trials
    steps, values = trial.curves["loss"]
    assert steps[-1] == pytest.approx(1 / values[-1])  # no line was cut in its middle


def test_links_and_pipes_are_left_alone(folder, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text('{"accuracy": 0.99}')
    folder.metrics("search/b", accuracy=0.5)
    for name in ("link", "pipe"):
        (folder.path / f"search/{name}/model").mkdir(parents=True)
    (folder.path / "search/link/model/metrics.json").symlink_to(secret)
    os.mkfifo(folder.path / "search/pipe/model/metrics.json")
    assert "0.99" not in str(read(folder).experiments)


def test_texts_are_cut_to_what_can_be_shown(folder):
    folder.sweep("s", [{"trial": "a", "parameters": {"p": "x" * 9999}, "value": 1.0}])
    (trial,) = read(folder).experiments[0].trials
    assert len(trial.parameters["p"]) == reading.LONGEST


@pytest.mark.parametrize("name", ["gs://", "gs://bucket", "nowhere", "file.txt"])
def test_what_is_no_run_is_said(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("file.txt").write_text("x")
    with pytest.raises(NoRunError, match=r"is not a .*; write "):
        gather(name, NOWHERE)


def test_an_empty_folder_is_no_run(tmp_path):
    with pytest.raises(NoRunError, match=r"no task has left a metrics\.json"):
        gather(str(tmp_path), NOWHERE)


def test_metrics_inside_of_a_job_are_no_jobs(folder):
    folder.metrics("train", accuracy=0.9)
    for step in ("1", "2"):
        folder.write(f"train/checkpoints/step-{step}/metrics.json", {"accuracy": 0.1})
        folder.write(f"train/eval-{step}/metrics.json", {"accuracy": 0.2})
    assert [each.task for each in read(folder).experiments] == ["train"]


def test_sweeps_may_lie_deeper(folder):
    folder.sweep("group/search", [{"trial": "a", "value": 1.0, "parameters": {}}])
    folder.metrics("group/search/a", accuracy=1.0)
    folder.metrics("group/train", accuracy=0.5)
    found = {each.task: each.is_sweep for each in read(folder).experiments}
    assert found == {"group/search": True, "group/train": False}
