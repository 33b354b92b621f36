"""A gate opens on good numbers only: whatever is missing, odd or infinite shuts it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.expr import evaluate, names, render

OPEN = ["cmp", ["metric", "good"], ">", ["num", 0.5]]
SHUT = ["cmp", ["metric", "good"], "<", ["num", 0.5]]
GOOD = {"good": 0.9, "flag": True, "name": "vit"}

TRUTH = [
    (OPEN, True),
    (SHUT, False),
    (["and", OPEN, OPEN], True),
    (["and", OPEN, SHUT], False),
    (["or", SHUT, OPEN], True),
    (["or", SHUT, SHUT], False),
    (["not", SHUT], True),
    (["not", OPEN], False),
    (["metric", "flag"], True),
    (["bool", False], False),
    (["cmp", ["metric", "name"], "==", ["str", "vit"]], True),
    (["cmp", ["metric", "name"], "!=", ["str", "vit"]], False),
    (["cmp", ["metric", "good"], ">=", ["param", "limit"]], True),
    (["cmp", ["metric", "good"], "==", ["/", ["num", 9], ["num", 10]]], True),
    (["cmp", ["neg", ["metric", "good"]], "<", ["-", ["num", 0], ["num", 0.5]]], True),
]


@pytest.mark.parametrize(("expression", "passed"), TRUTH, ids=[str(e) for e, _ in TRUTH])
def test_good_values_decide(expression, passed):
    decision = evaluate(expression, GOOD, {"limit": 0.9})
    assert (decision.passed, bool(decision.reason)) == (passed, True)


BAD_METRICS = {
    "missing": {},
    "null": {"bad": None},
    "nan": {"bad": math.nan},
    "infinity": {"bad": math.inf},
    "text": {"bad": "0.9"},
    "flag": {"bad": True},
    "list": {"bad": [0.9]},
}
PLACES = {
    "alone": lambda bad: bad,
    "under not": lambda bad: ["not", bad],
    "after a true or": lambda bad: ["or", OPEN, bad],
    "before a true or": lambda bad: ["or", bad, OPEN],
    "after a false and": lambda bad: ["not", ["and", SHUT, bad]],
    "deep": lambda bad: ["or", OPEN, ["not", ["and", SHUT, ["not", bad]]]],
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", BAD_METRICS)
@pytest.mark.parametrize("sign", ["<", ">=", "!="])
def test_a_bad_metric_shuts_the_gate_wherever_it_stands(kind, place, sign):
    expression = PLACES[place](["cmp", ["metric", "bad"], sign, ["num", 0.5]])
    decision = evaluate(expression, GOOD | BAD_METRICS[kind], {})
    assert not decision.passed
    assert "bad" in decision.reason


BROKEN = [
    (["cmp", ["/", ["num", 1], ["num", 0]], ">", ["num", 0]], "divides by zero"),
    (["cmp", ["*", ["num", 1e308], ["num", 10]], ">", ["num", 0]], "not a finite number"),
    (["cmp", ["/", ["num", 10**400], ["num", 3]], ">", ["num", 0]], "overflows"),
    (["cmp", ["param", "limit"], ">", ["num", 0]], "param limit is missing"),
    (["metric", "good"], "neither true nor false"),
    (["cmp", ["metric", "name"], "<", ["str", "z"]], "needs numbers"),
    (["cmp", ["metric", "flag"], "==", ["num", 1]], "compares a flag with a number"),
    (["cmp", ["num", 1], "~", ["num", 1]], "unknown comparison"),
    (["eval", "1"], "unknown expression"),
    (["and"], "unknown expression"),
    ([], "unknown expression"),
    (["num", None], "null"),
]


@pytest.mark.parametrize(("expression", "reason"), BROKEN, ids=[r for _, r in BROKEN])
def test_what_cannot_be_decided_says_why(expression, reason):
    decision = evaluate(expression, GOOD, {})
    assert not decision.passed
    assert reason in decision.reason


def test_the_reason_shows_every_comparison_with_its_values():
    expression = ["and", ["cmp", ["metric", "good"], ">=", ["param", "limit"]], SHUT]
    reason = evaluate(expression, GOOD, {"limit": 0.8}).reason
    assert reason == "good (0.9) >= params.limit (0.8) is true; good (0.9) < 0.5 is false"


def test_a_nested_expression_is_refused_before_the_stack_ends():
    expression = OPEN
    for _ in range(5000):
        expression = ["not", expression]
    assert evaluate(expression, GOOD, {}) == evaluate(expression, GOOD, {})
    assert "too deeply" in evaluate(expression, GOOD, {}).reason


def test_operands_are_written_back():
    assert render(["/", ["metric", "a"], ["neg", ["param", "b"]]]) == "(a / -params.b)"
    assert names(["cmp", ["param", "b"], "<", ["metric", "a"]]).params == ("b",)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
NAMES = st.sampled_from("abc")
LEAVES = (
    st.tuples(st.just("num"), VALUES)
    | st.tuples(st.just("metric"), NAMES)
    | st.tuples(st.just("param"), NAMES)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or", "+", "-", "*", "/"]), inner, inner)
        | st.tuples(st.sampled_from(["not", "neg"]), inner)
        | st.tuples(st.just("cmp"), inner, st.sampled_from(["<", "==", ">="]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(TREES, st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_any_data_gets_a_decision_and_a_bad_value_never_opens(tree, metrics, params):
    expression = json.loads(json.dumps(tree))
    decision = evaluate(expression, metrics, params)
    used = names(expression)
    read = [metrics.get(n, math.inf) for n in used.metrics]
    read += [params.get(n, math.inf) for n in used.params]
    if any(
        value is None or (isinstance(value, float) and not math.isfinite(value)) for value in read
    ):
        assert not decision.passed
    assert decision.reason
