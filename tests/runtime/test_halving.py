"""Successive halving as arithmetic: budgets, sizes, who enters a rung and who goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagfactory.runtime import halving, ranking

SWEEP = {
    "parameters": {"lr": [0.1, 0.2, 0.3, 0.4]},
    "seeds": [0, 1],
    "rungs": {"argument": "epochs", "budgets": [1, 2], "sizes": [4, 2]},
}


def test_the_published_example():
    assert halving.plan(27, 100, 2700, 3) == ([100, 300, 900, 2700], [27, 9, 3, 1])


@given(st.integers(1, 500), st.integers(1, 9), st.integers(1, 5000), st.integers(2, 10))
def test_rungs_shrink_by_eta_and_budgets_grow_by_it(points, low, more, eta):
    budgets, sizes = halving.plan(points, low, low + more, eta)
    assert sizes == [points // eta**k for k in range(len(sizes))]
    assert min(sizes) >= 1
    assert budgets == [low * eta**k for k in range(len(sizes))]
    assert budgets[-1] <= low + more
    assert budgets[-1] * eta > low + more or sizes[-1] // eta == 0


def test_the_first_rung_holds_every_point_and_seed():
    first = halving.rung_trials(SWEEP, 0)
    assert len(first) == halving.trial_slots(SWEEP, 0) == 8
    assert first[1].trial.parameters == {"lr": 0.1, "epochs": 1, "seed": 1}
    assert {each.model for each in first} == {None}


def ranked(values):
    results = [
        ranking.Result(each.trial, values.get((each.trial.parameters["lr"], seed), 0.0))
        for each in halving.rung_trials(SWEEP, 0)
        for seed in [each.trial.parameters["seed"]]
    ]
    return ranking.ranked_points(results, "maximize")


def test_those_who_go_on_are_the_best_by_mean_each_seed_from_its_own_model():
    ranked_points = ranked({(0.3, 0): 0.9, (0.3, 1): 0.8, (0.2, 0): 1.0, (0.2, 1): 0.1})
    models = {each.trial.id: f"gs://b/{each.trial.id}" for each in halving.rung_trials(SWEEP, 0)}
    onward = halving.promoted(SWEEP, 0, ranked_points, models)
    assert [survivor["parameters"] for survivor in onward] == [{"lr": 0.3}, {"lr": 0.2}]
    second = halving.rung_trials(SWEEP, 1, onward)
    assert [each.trial.parameters for each in second[:2]] == [
        {"lr": 0.3, "epochs": 2, "seed": 0},
        {"lr": 0.3, "epochs": 2, "seed": 1},
    ]
    before = {
        each.trial.parameters["seed"]: each.trial.id for each in halving.rung_trials(SWEEP, 0)[4:6]
    }
    assert [each.model for each in second[:2]] == [f"gs://b/{before[0]}", f"gs://b/{before[1]}"]


def test_fewer_survivors_than_places_leave_places_empty():
    assert halving.trial_slots(SWEEP, 1) == 4
    one = [{"parameters": {"lr": 0.3}, "mean": 1.0, "models": {"0": "gs://b/x", "1": "gs://b/y"}}]
    assert len(halving.rung_trials(SWEEP, 1, one)) == 2


@pytest.mark.parametrize("rung", [0, 1])
def test_the_budget_is_part_of_a_trials_identity(rung):
    survivors = [{"parameters": {"lr": 0.1}, "mean": 1.0, "models": {}}]
    ids = {each.trial.id for each in halving.rung_trials(SWEEP, rung, survivors)}
    other = {each.trial.id for each in halving.rung_trials(SWEEP, 1 - rung, survivors)}
    assert not ids & other
