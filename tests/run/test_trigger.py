"""A run gets the logical date that Airflow itself would give it: none when assets start it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dagfactory.run.execute import trigger


class Api:
    """Answers as Airflow does about one DAG, and keeps what it was asked to run."""

    def __init__(self, details: dict[str, Any]) -> None:
        self.details = details
        self.body: dict[str, Any] = {}

    def get(self, *path: str) -> dict[str, Any]:
        assert path == ("dags", "p", "details")
        return self.details

    def post(self, *_: str, body: dict[str, Any]) -> dict[str, str]:
        self.body = body
        return {"dag_run_id": "r"}


@pytest.mark.parametrize(
    "details",
    [{"asset_expression": None}, {"dataset_expression": {"any": ["images"]}}],
    ids=["by the clock", "Airflow 2, which gives every run one"],
)
def test_a_run_has_the_present_moment(details: dict[str, Any]) -> None:
    api = Api(details)
    assert trigger(api, "p", {"n": 1}) == "r"
    assert datetime.fromisoformat(api.body["logical_date"]).tzinfo
    assert api.body["conf"] == {"n": 1}


def test_a_run_of_a_pipeline_that_assets_start_has_none() -> None:
    api = Api({"asset_expression": {"all": [{"asset": {"name": "images"}}]}})
    assert trigger(api, "p", {}) == "r"
    assert api.body["logical_date"] is None
