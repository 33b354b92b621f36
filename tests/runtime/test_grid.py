"""Trials are a pure function of the sweep: ordered, unique, the same on every machine."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.grid import count, pack, packs, trial, trials

SWEEP = {
    "method": "grid",
    "parameters": {"learning_rate": [0.0003, 0.001, 0.003], "weight_decay": [0.0, 0.1]},
    "exclude": [{"learning_rate": 0.003, "weight_decay": 0.1}],
    "include": [{"learning_rate": 0.01, "weight_decay": 0.5}],
    "seeds": [0, 1],
}


def test_the_order_is_grid_then_include_with_seeds_innermost():
    points = [tuple(t.parameters.values()) for t in trials(SWEEP)]
    assert points == [
        (0.0003, 0.0, 0),
        (0.0003, 0.0, 1),
        (0.0003, 0.1, 0),
        (0.0003, 0.1, 1),
        (0.001, 0.0, 0),
        (0.001, 0.0, 1),
        (0.001, 0.1, 0),
        (0.001, 0.1, 1),
        (0.003, 0.0, 0),
        (0.003, 0.0, 1),
        (0.01, 0.5, 0),
        (0.01, 0.5, 1),
    ]
    assert count(SWEEP) == 12


def test_ids_are_pinned_and_seeds_share_a_group():
    first, second, *_ = trials(SWEEP)
    assert (first.id, second.id, first.group) == ("d7395502f5", "5e31aa4033", "b9fd5537cf")
    assert first.group == second.group


def test_without_seeds_the_group_is_the_trial():
    (only,) = trials({"parameters": {"x": [1]}})
    assert (only.group, only.parameters) == (only.id, {"x": 1})


def test_a_combination_that_occurs_twice_is_one_trial():
    assert count({"parameters": {"x": [1, 1]}, "include": [{"x": 1}, {"x": 2}]}) == 2


def test_a_sweep_of_drawn_points_has_only_includes():
    assert [t.parameters for t in trials({"include": [{"x": 0.1}, {"x": 0.7}]})] == [
        {"x": 0.1},
        {"x": 0.7},
    ]


def test_excluding_tells_a_flag_from_a_number_and_needs_every_key():
    sweep = {"parameters": {"x": [1, True]}, "exclude": [{"x": True}, {"x": 1, "y": 2}]}
    assert [t.parameters["x"] for t in trials(sweep)] == [1]
    assert count({"parameters": {"x": [1.0, 2.0]}, "exclude": [{"x": 1}]}) == 1


@pytest.mark.parametrize("index", [-1, 12])
def test_an_index_outside_is_an_error(index):
    with pytest.raises(IndexError, match="of a sweep of 12"):
        trial(SWEEP, index)


PACKED = {
    "parameters": {"width": [16, 32], "lr": [0.1, 0.2, 0.3]},
    "seeds": [0, 1],
    "pack": 4,
    "shape": ["width"],
}


def test_trials_of_one_shape_share_jobs_in_order():
    shown = [[tuple(t.parameters.values()) for t in made] for made in packs(PACKED)]
    assert shown == [
        [(16, 0.1, 0), (16, 0.1, 1), (16, 0.2, 0), (16, 0.2, 1)],
        [(16, 0.3, 0), (16, 0.3, 1)],
        [(32, 0.1, 0), (32, 0.1, 1), (32, 0.2, 0), (32, 0.2, 1)],
        [(32, 0.3, 0), (32, 0.3, 1)],
    ]
    assert pack(PACKED, 3) == packs(PACKED)[3]


def test_shapes_tell_a_flag_from_a_number():
    sweep = {"parameters": {"x": [1, True, 1.0]}, "pack": 9, "shape": ["x"]}
    assert [[t.parameters["x"] for t in made] for made in packs(sweep)] == [[1], [True], [1.0]]


def test_a_pack_larger_than_the_sweep_is_one_job():
    assert packs(PACKED | {"pack": 99, "shape": []}) == [tuple(trials(PACKED))]


@pytest.mark.parametrize("index", [-1, 4])
def test_a_pack_outside_is_an_error(index):
    with pytest.raises(IndexError, match="of a sweep of 4"):
        pack(PACKED, index)


VALUES = st.lists(
    st.integers(-3, 3) | st.floats(allow_nan=False) | st.booleans() | st.text(max_size=3),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1),
    st.lists(st.integers(0, 9), max_size=3),
)
def test_ids_are_unique_and_indexing_agrees_with_the_list(parameters, seeds):
    sweep = {"parameters": parameters, "seeds": seeds}
    every = trials(sweep)
    assert len({t.id for t in every}) == len(every) == count(sweep)
    assert [trial(sweep, i) for i in range(len(every))] == every
    full = len(list(itertools.product(*parameters.values()))) * max(1, len(seeds))
    assert len(every) <= full


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1),
    st.sets(st.sampled_from("abcd")),
    st.integers(1, 5),
)
def test_every_trial_is_in_one_pack_of_its_shape(parameters, shape, size):
    sweep = {"parameters": parameters, "pack": size, "shape": sorted(shape)}
    made = packs(sweep)
    assert sorted(t.id for each in made for t in each) == sorted(t.id for t in trials(sweep))
    kinds = [repr([each[0].parameters.get(name) for name in sorted(shape)]) for each in made]
    for each, kind in zip(made, kinds, strict=True):
        assert {repr([t.parameters.get(name) for name in sorted(shape)]) for t in each} == {kind}
    # As few jobs as there can be: all of a shape are full but for the last one.
    for kind in set(kinds):
        sizes = [len(each) for each, own in zip(made, kinds, strict=True) if own == kind]
        assert sizes[:-1] == [size] * (len(sizes) - 1)


@settings(max_examples=60, deadline=None)
@given(st.permutations([("a", 1), ("b", 2.5), ("c", "x")]))
def test_the_order_of_parameters_does_not_change_the_id(pairs):
    (one,) = trials({"parameters": {key: [value] for key, value in pairs}})
    assert one.id == "61e9b6a881"
