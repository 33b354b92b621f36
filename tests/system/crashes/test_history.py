"""The judge of the records finds what it is there for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import history
import pytest

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
TASK = ("d", "r", "t", "-1")


def life(name: str, begin: int, end: int | None, state: str = "SUCCEEDED", task=TASK):
    died = None if end is None else NOON + timedelta(seconds=end)
    return history.Life(task, name, NOON + timedelta(seconds=begin), died, state)


@pytest.mark.parametrize(
    ("lives", "count"),
    [
        ([life("a", 0, 5), life("b", 5, 9)], 0),
        ([life("b", 4, 9), life("a", 0, 5)], 1),
        ([life("a", 0, None, "RUNNING"), life("b", 7, 9)], 1),
        ([life("a", 0, 5), life("b", 4, 9, task=("d", "r", "t", "0"))], 0),
    ],
)
def test_two_jobs_of_one_task_at_a_time_are_found(lives, count):
    assert len(list(history.overlaps(lives))) == count


def test_a_job_that_lives_on_is_found():
    assert list(history.left([life("a", 0, 5), life("b", 6, None, "CANCELLING")])) != []


def put(state, kind: str, number: str, **fields):
    path = state / f"vertex/projects/demo/locations/us-central1/{kind}/{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": number.partition("@")[0], "labels": {}, **fields}))


def test_second_versions_aliases_endpoints_and_deployments_are_found(tmp_path):
    labels = dict(zip(history.LABELS, TASK, strict=True))
    put(tmp_path, "models", "7@1", labels=labels, versionAliases=["best"])
    put(tmp_path, "models", "7@2", labels=labels, versionAliases=["best"])
    twice = [{"model": "7", "modelVersionId": "1"}] * 2
    put(tmp_path, "endpoints", "8", displayName="e", deployedModels=twice)
    put(tmp_path, "endpoints", "9", displayName="e")
    assert len(history.problems(tmp_path)) == 4
