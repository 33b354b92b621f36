"""Gates on real Airflow: the right branch runs, the other is skipped, the reason is kept."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow

GOOD = {"schema_version": 1, "metrics": {"accuracy": 0.93}, "step": 5, "complete": True}
FILES = {
    "good": json.dumps(GOOD),
    "bad": json.dumps(GOOD | {"metrics": {"accuracy": 0.5}}),
    "null": json.dumps(GOOD | {"metrics": {"accuracy": None}}),
    "stopped": json.dumps(GOOD | {"complete": False}),
    "broken": "{",
    "nested": json.dumps({"accuracy": 0.99, "per_class": {"cat": 0.9}}),
    "flat": json.dumps({"accuracy": 0.94}),
}


@pytest.fixture(scope="module")
def gates(airflow, bucket):
    (bucket / "gates").mkdir()
    for name, text in FILES.items():
        (bucket / "gates" / f"{name}.json").write_text(text)
    return airflow.run("gates")


DECISIONS = [
    ("good", True, "accuracy (0.93) >= params.threshold (0.9) is true"),
    ("inline", True, "accuracy (0.95)"),
    ("bad", False, "accuracy (0.5) >= params.threshold (0.9) is false"),
    ("null", False, "metric accuracy is null"),
    ("not_a_number", False, "metric accuracy is nan"),
    ("negated", False, "metric accuracy is nan"),
    ("stopped", False, "the run stopped early, at step 5"),
    ("flat", True, "accuracy (0.94)"),
    ("text_of_a_long_one", True, "accuracy (0.96)"),
    ("query", True, "new_rows (1500) > 1000 is true"),
    ("outer.inner.gate", True, "accuracy (0.93)"),
]


@pytest.mark.parametrize(("gate", "passed", "reason"), DECISIONS, ids=[g for g, *_ in DECISIONS])
def test_a_gate_follows_one_branch_and_says_why(gates, gate, passed, reason):
    states = gates.states()
    taken, left = ("yes", "no") if passed else ("no", "yes")
    assert (states[gate], states[f"{gate}_{taken}"], states[f"{gate}_{left}"]) == (
        "success",
        "success",
        "skipped",
    )
    decision = gates.xcom(gate)
    assert decision["passed"] is passed
    assert reason in decision["reason"]
    assert decision["reason"] in gates.log


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ("absent", "there is no metrics.json"),
        ("broken", "the metrics are not JSON"),
        ("nested", "`per_class` of metrics.json is not one value"),
    ],
)
def test_without_metrics_neither_branch_is_taken(gates, gate, problem):
    states = gates.states()
    assert (states[gate], states[f"{gate}_yes"], states[f"{gate}_no"]) == (
        "failed",
        "upstream_failed",
        "upstream_failed",
    )
    assert problem in gates.log


def test_the_metric_values_are_kept_even_when_they_are_odd(gates):
    assert gates.xcom("good")["metrics"] == {"accuracy": 0.93}
    assert gates.xcom("not_a_number")["metrics"] == {"accuracy": "nan"}


def test_a_branch_may_be_a_group_and_what_stands_on_no_side_needs_a_pass(gates):
    states = gates.states()
    assert states["release.register"] == states["release.deploy"] == states["neutral"] == "success"
    assert states["stop"] == "skipped"


def test_with_no_other_branch_everything_is_skipped(gates):
    states = gates.states()
    assert (states["alone"], states["go"], states["go_too"]) == ("success", "skipped", "skipped")
    assert gates.xcom("alone")["passed"] is False
