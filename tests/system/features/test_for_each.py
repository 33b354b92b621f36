"""`for_each` in a real Airflow: what each task gets, what they return together, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def mapped(airflow: Any) -> Any:
    return airflow.run("mapped", each="what a run is started with does not hide the item")


def test_each_task_gets_its_item_and_shows_it(mapped: Any) -> None:
    labels = [mapped.tasks[f"paint[{index}]"]["label"] for index in range(3)]
    assert labels == ["red", "green", "blue"]
    assert mapped.xcom("end")["paint"] == ["red of red", "green of green", "blue of blue"]


def test_python_gets_items_with_their_types(mapped: Any) -> None:
    assert mapped.xcom("end")["box"] == [
        {"n": 1, "name": "a", "items": ["x"], "text": "n=1"},
        {"n": 2.5, "name": "it's {", "items": [], "text": "n=2.5"},
    ]


def test_over_a_param_and_over_the_results_of_that(mapped: Any) -> None:
    assert mapped.xcom("end")["scale"] == [{"x": 1}, {"x": 2.5}]
    assert mapped.xcom("end")["params"] == [1, 2.5]
    assert mapped.xcom("again.each[1]") == {"y": 2.5}


def test_over_the_json_that_a_command_prints(mapped: Any) -> None:
    assert [mapped.xcom(f"read.each[{index}]") for index in range(2)] == ["a", "{b: 1}"]


def test_a_list_of_one_stays_a_list(mapped: Any) -> None:
    assert mapped.xcom("end")["one"] == ["single"]


def test_any_operator_can_be_mapped(mapped: Any) -> None:
    assert (mapped.xcom("operator[0]"), mapped.xcom("lazily[0]")) == ("four", "five")


def test_one_failure_fails_that_task_alone(mapped: Any) -> None:
    states = [mapped.states()[f"wrong.each[{index}]"] for index in range(3)]
    assert states == ["failed", "success", "success"]


def test_what_is_no_list_fails_at_once_and_is_shown(mapped: Any) -> None:
    assert mapped.states()["no_list.items"] == "failed"
    assert mapped.tasks["no_list.items"]["tries"] == 1
    assert "not a list: the text 'one'" in mapped.log


def test_nothing_to_run_over_skips_what_follows(mapped: Any) -> None:
    assert mapped.states()["none.items"] == "success"
    assert {mapped.states()["none.each"], mapped.states()["after_none"]} == {"skipped"}


def test_jobs_write_to_folders_of_their_own(airflow: Any, bucket: Path) -> None:
    run = airflow.run("mapped_jobs")
    root = f"runs/mapped_jobs/{run.run_id}/fit"
    together = run.xcom("best")
    assert together["dir"] == f"gs://demo-ml/{root}"
    models = [each["outputs"]["model_dir"] for each in together["all"]]
    assert models == [f"gs://demo-ml/{root}/{index}/model" for index in range(2)]
    options = [
        json.loads((bucket / root / f"{i}/model/options.json").read_text()) for i in range(2)
    ]
    assert options == [{"lr": "0.1"}, {"lr": "0.3"}]
