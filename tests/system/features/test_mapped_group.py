"""A group with `for_each` in a real Airflow: a chain for each item, whose gates decide by themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def run(airflow: Any) -> Any:
    return airflow.run("mapped_group")


def test_the_gate_inside_sends_each_item_its_way(run: Any) -> None:
    states = {name.removeprefix("country.country_"): at for name, at in run.states().items()}
    assert run.state == "success"
    assert (states["de.publish_de"], states["de.drop_de"]) == ("success", "skipped")
    assert (states["fr.publish_fr"], states["fr.drop_fr"]) == ("skipped", "success")
    assert (states["de.end_de"], states["fr.end_fr"]) == ("success", "success")
    assert run.xcom("country.country_de.good_de")["passed"] is True


def test_the_jobs_of_each_item_are_its_own(run: Any, bucket: Path) -> None:
    root = bucket / f"runs/mapped_group/{run.run_id}"
    options = [
        json.loads((root / f"measure_{name}/model/options.json").read_text())
        for name in ("de", "fr")
    ]
    assert options == [{"accuracy": "0.9"}, {"accuracy": "0.4"}]


def test_a_task_outside_gets_a_list_in_the_order_of_the_items(run: Any) -> None:
    root = f"gs://demo-ml/runs/mapped_group/{run.run_id}"
    got = run.xcom("compare")
    assert got["models"] == [f"{root}/measure_{name}/model" for name in ("de", "fr")]
    assert got["published"] == ["publish de", None]


def test_a_task_inside_runs_over_items_of_its_own(run: Any) -> None:
    assert run.xcom("compare")["years"] == [["2024", "2025"], ["2025"]]
