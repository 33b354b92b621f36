"""A value is the same value after it went through Python text, whatever it holds."""

import ast
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagfactory.dagfile.model import Call, Indices, Symbol
from dagfactory.dagfile.quote import comment, dotted, fit, identifier, layout, literal

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(), inner, max_size=4),
        st.tuples(inner, inner),
        st.tuples(inner),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_a_literal_evaluates_to_its_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


@given(VALUES, st.sampled_from([0, 4, 8, 12]), st.integers(0, 100))
def test_layout_changes_no_value(value: object, indent: int, column: int) -> None:
    laid = layout(value, indent, column, 1)
    assert ast.literal_eval("(\n" + laid + "\n)") == value


@given(st.text())
def test_a_literal_holds_no_hidden_character(value: str) -> None:
    assert literal(value).isprintable()


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_non_finite_floats_are_calls(value: float) -> None:
    made = eval(literal(value), {"float": float})  # noqa: S307 - our own text, no names but float
    assert made == value or (math.isnan(made) and math.isnan(value))


def test_calls_are_written_with_their_arguments() -> None:
    call = Call(Symbol("datetime", "timedelta"), {"minutes": 5})
    assert eval(literal(call), {"timedelta": timedelta}) == timedelta(minutes=5)  # noqa: S307
    assert literal(Indices(12)) == "list(range(12))"


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", lambda: 0])
def test_values_without_a_literal_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no Python literal"):
        literal(value)


@pytest.mark.parametrize("name", ["", "a b", "class", "ä", "x;y", "a.b", "1a", "a\n"])
def test_unsafe_identifiers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a safe identifier"):
        identifier(name)


@pytest.mark.parametrize("name", ["a..b", "a.class", ".a", "a;b.c"])
def test_unsafe_module_paths_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a safe identifier"):
        dotted(name)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x85b", "coding: ü", "a  b", "(x)", "\u202e"])
def test_text_that_could_leave_a_comment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not safe in a comment"):
        comment(text)


def test_long_values_are_split_one_a_line() -> None:
    text = fit({"key": ["x" * 40, "y" * 40]}, 4, "job=")
    assert text.splitlines()[1] == '        "key": ['
    assert text.endswith("    }")
