"""Conditions are read into data, and every mistake is located to the character."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.language.condition import GateSyntaxError, names, parse
from dagfactory.runtime.expr import evaluate

ACCURACY = ["metric", "accuracy"]

READ = [
    ("accuracy >= 0.9", ["cmp", ACCURACY, ">=", ["num", 0.9]]),
    (
        "0.5 < accuracy <= 1",
        ["and", ["cmp", ["num", 0.5], "<", ACCURACY], ["cmp", ACCURACY, "<=", ["num", 1]]],
    ),
    ("not converged", ["not", ["metric", "converged"]]),
    ("converged == true", ["cmp", ["metric", "converged"], "==", ["bool", True]]),
    ("stage != 'draft'", ["cmp", ["metric", "stage"], "!=", ["str", "draft"]]),
    (
        'metrics["val/loss"] < -params.limit * 2',
        [
            "cmp",
            ["metric", "val/loss"],
            "<",
            ["*", ["neg", ["param", "limit"]], ["num", 2]],
        ],
    ),
    (
        "  a > 1\n  and b > 2 or c > 3 ",
        [
            "or",
            [
                "and",
                ["cmp", ["metric", "a"], ">", ["num", 1]],
                ["cmp", ["metric", "b"], ">", ["num", 2]],
            ],
            ["cmp", ["metric", "c"], ">", ["num", 3]],
        ],
    ),
]


@pytest.mark.parametrize(("text", "expression"), READ, ids=[text for text, _ in READ])
def test_a_condition_becomes_data(text, expression):
    assert parse(text) == expression


REFUSED = [
    ("", "is empty", ""),
    ("accuracy", None, ""),
    ("0.9", "neither true nor false", "0.9"),
    ("a > 1 and 0.9", "neither true nor false", "0.9"),
    ("a > 1 and b + 1", "neither true nor false", "b + 1"),
    ("a >= 90%1", "`90%1` is not supported", "90%1"),
    ("a > 1 && b > 2", "`&&` is not an operator", "&&"),
    ("a > 1 || b > 2", "`||` is not an operator", "||"),
    ("!a", "`!` is not an operator", "!"),
    ("a = 1", "`=` is not an operator", "="),
    ("a ≥ 1", "`≥` is not an operator", "≥"),
    ("a in b", "`in` is not supported", "a in b"),
    ("a is b", "`is` is not supported", "a is b"),
    ("__import__('os')", "is not supported", "__import__('os')"),
    ("a.b > 1", "`a.b` is not supported", "a.b"),
    ("params > 1", "needs a name after it", "params"),
    ("a > 1e999", "not a finite number", "1e999"),
    ("a > 'x'", "needs numbers on both sides", "'x'"),
    ("a == 1 == 'x'", "a number is compared with a text", "'x'"),
    ("'é' + 1 > a", "arithmetic needs numbers", "'é'"),
    ("'é' == a and b ** 2 > 1", "`b ** 2` is not supported", "b ** 2"),
    ("   a > (b := 1)", "`b := 1` is not supported", "b := 1"),
    ("a > 1) or (b > 2", "unmatched", ")"),
    ("a >", "invalid syntax", None),
    ("[x for x in y]", "is not supported", "[x for x in y]"),
    ("a > 1 # fine", None, ""),
]


@pytest.mark.parametrize(("text", "message", "marked"), REFUSED, ids=[text for text, *_ in REFUSED])
def test_a_mistake_is_named_and_marked(text, message, marked):
    if message is None:
        assert parse(text)
        return
    with pytest.raises(GateSyntaxError) as caught:
        parse(text)
    assert message in caught.value.message
    if marked is not None:
        assert text[caught.value.start : caught.value.end] == marked


def test_a_condition_has_a_length_and_a_depth():
    with pytest.raises(GateSyntaxError, match="at most 2000"):
        parse("a > 1 " + "and a > 1 " * 300)
    with pytest.raises(GateSyntaxError):
        parse("(" * 900 + "a > 1" + ")" * 900)


def parsed(text):
    """Return the expression, or the error that refuses it."""
    try:
        return parse(text)
    except GateSyntaxError as error:
        return error


@pytest.mark.parametrize("depth", [50, 100, 900, 1900])
def test_a_deep_condition_is_refused(depth):
    with pytest.raises(GateSyntaxError, match="nested too deeply"):
        parse("-" * depth + "a > 1")


def test_names_lists_each_name_once_in_order():
    found = names(parse("b > params.x and a > 1 or b < params.y * params.x"))
    assert (found.metrics, found.params) == (("b", "a"), ("x", "y"))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.19 <>=!&|+-*/()'\"[]#:,é\n\\%~@", max_size=40))
def test_any_text_is_read_or_refused_within_its_own_bounds(text):
    result = parsed(text)
    if isinstance(result, GateSyntaxError):
        assert 0 <= result.start < max(result.end, 1)
        assert result.end <= len(text) + 1
    else:
        assert evaluate(result, {}, {}).reason


METRICS = {"a": 3, "b": -2.5}
SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
ORDERS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
JOINS = {"and": lambda x, y: x and y, "or": lambda x, y: x or y}


def joined(table):
    """Return a builder of (text, value) out of two such pairs and an operator of the table."""
    return lambda left, sign, right: (
        f"({left[0]} {sign} {right[0]})",
        table[sign](left[1], right[1]),
    )


NUMBERS = st.integers(-50, 50).map(lambda x: (str(x), x))
ATOMS = NUMBERS | st.sampled_from(list(METRICS.items()))
SUMS = st.recursive(
    ATOMS, lambda inner: st.builds(joined(SIGNS), inner, st.sampled_from(list(SIGNS)), inner)
)
COMPARED = st.builds(joined(ORDERS), SUMS, st.sampled_from(list(ORDERS)), SUMS)
CONDITIONS = st.recursive(
    COMPARED,
    lambda inner: (
        st.builds(joined(JOINS), inner, st.sampled_from(list(JOINS)), inner)
        | inner.map(lambda pair: (f"(not {pair[0]})", not pair[1]))
    ),
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS)
def test_evaluation_agrees_with_python(condition):
    text, value = condition
    assert evaluate(parse(text), METRICS, {}).passed is value
