"""Drawn points: in their ranges, pinned, even, and those of the published Sobol sequence."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.grid import count, trial, trials
from dagfactory.runtime.sampling import MOST_DIMENSIONS, Draws, sobol, value_at

LOG = {"min": 1e-4, "max": 1e-2, "scale": "log"}
SPACES = {"learning_rate": LOG, "width": {"min": 16, "max": 64}, "decay": [0.0, 0.1]}


def drawn(method, number, seed=0, **more):
    sweep = {"draw": method, "trials": number, "draw_seed": seed, "parameters": SPACES, **more}
    return [each.parameters for each in trials(sweep)]


def test_the_sobol_sequence_is_that_of_joe_and_kuo():
    engine = torch.quasirandom.SobolEngine(MOST_DIMENSIONS, scramble=False)
    theirs = engine.draw(256, dtype=torch.float64)
    ours = [[sobol(i, d) / 2**32 for d in range(MOST_DIMENSIONS)] for i in range(256)]
    assert torch.equal(theirs, torch.tensor(ours, dtype=torch.float64))


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_points_are_pinned_and_another_seed_draws_others(method):
    first = {
        "random": {"learning_rate": 0.00256903, "width": 29, "decay": 0.0},
        "sobol": {"learning_rate": 0.00177499, "width": 22, "decay": 0.1},
    }
    assert drawn(method, 5)[0] == first[method]
    assert drawn(method, 5) == drawn(method, 9)[:5]
    assert drawn(method, 5) != drawn(method, 5, seed=1)


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_logarithmic_range_is_drawn_by_order_of_magnitude(method):
    below = sum(point["learning_rate"] < 1e-3 for point in drawn(method, 256))
    assert abs(below - 128) < (30 if method == "random" else 3)


def test_sobol_fills_a_range_more_evenly_than_chance():
    values = [point["learning_rate"] for point in drawn("sobol", 64)]
    cells = {int(32 * math.log(value / 1e-4) / math.log(100)) for value in values}
    assert len(cells) == 32


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 1, exclude_max=True), st.sampled_from(["linear", "log"]))
def test_values_stay_in_their_range_and_whole_numbers_whole(unit, scale):
    number = value_at({"min": 1e-4, "max": 1e-2, "scale": scale}, unit)
    assert 1e-4 <= number <= 1e-2
    whole = value_at({"min": 1, "max": 8, "scale": scale}, unit)
    assert isinstance(whole, int)
    assert 1 <= whole <= 8


def test_both_ends_of_a_whole_range_are_drawn():
    ends = {value_at({"min": 1, "max": 3}, unit / 30) for unit in range(30)}
    assert ends == {1, 2, 3}


def test_excluded_points_are_drawn_again_and_equal_ones_once():
    points_ = drawn("random", 20, exclude=[{"decay": 0.1}])
    assert len(points_) == 20
    assert {point["decay"] for point in points_} == {0.0}
    assert count({"draw": "random", "trials": 9, "parameters": {"x": [1, 2]}}) == 2


def test_included_points_and_seeds_come_on_top():
    made = drawn("sobol", 3, include=[{"learning_rate": 1, "width": 1, "decay": 1}], seeds=[0, 1])
    assert len(made) == 8
    assert made[-1] == {"learning_rate": 1, "width": 1, "decay": 1, "seed": 1}


def test_the_trial_at_an_index_is_that_of_the_list():
    sweep = {"draw": "sobol", "trials": 1000, "parameters": SPACES}
    every = trials(sweep)
    assert len({each.id for each in every}) == 1000
    assert trial(sweep, 999) == every[999]


def test_draws_do_not_depend_on_the_other_parameters():
    alone, together = Draws("random", {"learning_rate": LOG}, 0), Draws("random", SPACES, 0)
    for draw in range(4):
        assert alone[draw]["learning_rate"] == together[draw]["learning_rate"]
