"""A job is found again by its labels, and no two tasks share them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.labels import (
    display_name,
    label,
    list_filter,
    task_labels,
    with_user_labels,
)

VALID = re.compile(r"[a-z0-9_-]{0,63}")


@pytest.mark.parametrize("text", ["arr_coc", "train-2", "a" * 63])
def test_a_valid_label_stays_as_it_is(text):
    assert label(text) == text


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_becomes_a_valid_label(text):
    assert VALID.fullmatch(label(text))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_two_texts_never_share_a_label(one, other):
    assert (label(one) == label(other)) is (one == other)


def test_ids_that_differ_in_forbidden_characters_only_stay_apart():
    assert label("Group.train") != label("group_train") != label("group.train")


def test_the_identity_ignores_the_attempt_and_hashes_the_run():
    labels = task_labels("arr_coc", "train", "manual__2026-01-01T00:00:00+00:00", 3)
    assert labels == {
        "dagfactory-dag": "arr_coc",
        "dagfactory-task": "train",
        "dagfactory-run": "1e8dc70c2b6913aa",
        "dagfactory-map": "3",
    }


def test_user_labels_are_cleaned_and_cannot_replace_the_identity():
    own = task_labels("d", "t", "r")
    labels = with_user_labels(own, {"team": "ml", "dagfactory-dag": "other"})
    assert labels == {**own, "team": "ml"}


def test_the_filter_quotes_every_value():
    assert list_filter({"a": "1", "b": "x"}) == 'labels.a="1" AND labels.b="x"'


def test_display_names_fit():
    assert display_name("dag", "t", "r", 2) == "dag/t[2] r"
    assert len(display_name("d" * 200, "t", "r")) == 128
