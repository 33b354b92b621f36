"""Traffic adds up to 100 whole percents, and the models that are there keep their proportions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.traffic import check, split

SPLITS = [
    (10, {}, {"0": 100}),
    (10, {"a": 100}, {"0": 10, "a": 90}),
    (10, {"a": 50, "b": 50}, {"0": 10, "a": 45, "b": 45}),
    (0, {"a": 100}, {"0": 0, "a": 100}),
    (100, {"a": 60, "b": 40}, {"0": 100, "a": 0, "b": 0}),
    (10, {"a": 0, "b": 0}, {"0": 10, "a": 45, "b": 45}),
    (10, {"a": 100, "b": 0}, {"0": 10, "a": 90, "b": 0}),
    (0, {"a": 1, "b": 1, "c": 1}, {"0": 0, "a": 34, "b": 33, "c": 33}),
]


@pytest.mark.parametrize(("new", "others", "expected"), SPLITS)
def test_the_rest_is_divided_in_proportion(new, others, expected):
    assert split(new, others) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100), st.dictionaries(st.text(max_size=2), st.integers(0, 100), max_size=6))
def test_the_shares_add_up_and_are_fair_to_one_percent(new, others):
    shares = split(new, others, "mine!")
    assert sum(shares.values()) == 100
    assert all(share >= 0 for share in shares.values())
    total = sum(others.values())
    for name, share in others.items():
        if total:
            assert abs(shares[name] - (100 - new) * share / total) < 1
    assert split(new, {n: shares[n] for n in others}, "mine!") == shares or not total


@pytest.mark.parametrize("traffic", [{"new": 10, "current": 90}, {"new": 0}, {"new": 100}])
def test_good_shares_are_accepted(traffic):
    check(traffic)


@pytest.mark.parametrize(
    "traffic", [{}, {"current": 90}, {"new": 10, "current": 80}, {"new": 101}, {"new": 1, "old": 9}]
)
def test_bad_shares_are_refused(traffic):
    with pytest.raises(ValueError, match=r"percents|keys"):
        check(traffic)
