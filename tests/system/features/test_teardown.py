"""Teardowns in a real Airflow: they run after a failure, and what that makes of the run."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def torn_down(airflow: Any) -> Any:
    return airflow.run("torn_down")


def test_a_teardown_runs_after_a_failure_and_does_not_hide_it(torn_down: Any) -> None:
    states = torn_down.states()
    assert (states["create"], states["work"], states["later"]) == (
        "success",
        "failed",
        "upstream_failed",
    )
    assert (states["delete"], torn_down.xcom("delete")) == ("success", "down")
    assert torn_down.state == "failed"


def test_what_was_not_set_up_is_not_taken_down(torn_down: Any) -> None:
    assert torn_down.states()["not_deleted"] in ("upstream_failed", "skipped")


def test_a_failed_teardown_fails_the_run_only_when_asked_to(airflow: Any) -> None:
    badly, strictly = airflow.run("torn_down_badly"), airflow.run("torn_down_strictly")
    assert (badly.states()["delete"], badly.state) == ("failed", "success")
    assert (strictly.states()["delete"], strictly.state) == ("failed", "failed")
