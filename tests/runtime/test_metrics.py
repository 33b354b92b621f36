"""metrics.json: both forms, and what is neither."""

from __future__ import annotations

import math

import pytest

from dagfactory.runtime.metrics import as_json, parse

LONG = {"schema_version": 1, "metrics": {"a": 1}, "step": 3, "complete": True}


@pytest.mark.parametrize(
    "document",
    [{"a": 0.8}, {"a": 1, "b": -2.5}, {"a": math.inf}, {"a": None, "n": "resnet", "ok": True}],
)
def test_a_flat_object_of_values_is_metrics(document):
    found = parse(document)
    assert (found.values, found.problem, found.flat) == (document, "", True)


def test_the_long_form_is_complete_by_its_own_word():
    assert (parse(LONG).values, parse(LONG).flat) == ({"a": 1}, False)
    stopped = parse(LONG | {"complete": False})
    assert (stopped.stopped, stopped.values) == (True, {"a": 1})
    assert "stopped early, at step 3" in stopped.problem


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (None, "there is no metrics.json"),
        ([], "has no metrics"),
        ([0.8], "has no metrics"),
        (0.8, "has no metrics"),
        ({}, "has no metrics"),
        ({"metrics": 0.8}, "has no metrics"),
        ({"complete": True}, "has no metrics"),
        ({"schema_version": 1, "accuracy": 0.8}, "has no metrics"),
        ({"metrics": {"a": 1}}, "schema_version None"),
        ({"accuracy": [0.8]}, "`accuracy` of metrics.json is not one value"),
        ({"accuracy": 0.8, "classes": {"cat": 1}}, "`classes` of metrics.json is not one value"),
    ],
)
def test_anything_else_says_what_to_write(document, problem):
    found = parse(document)
    assert found.values == {}
    assert problem in found.problem
    assert (
        '{"accuracy": 0.9}, or {"schema_version": 1' in found.problem
        or "schema_version None" in problem
    )


def test_what_json_cannot_hold_becomes_text():
    assert [as_json(v) for v in (1, None, True, "x", 0.5, math.nan)] == [
        1,
        None,
        True,
        "x",
        0.5,
        "nan",
    ]
