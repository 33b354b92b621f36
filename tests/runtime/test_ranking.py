"""The best trial: averaged over seeds, never one without a finite, finished metric."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.runtime.grid import Trial, trials
from dagfactory.runtime.metrics import parse
from dagfactory.runtime.ranking import ranked_points, result, table, winner


def document(value, **changes):
    return {"schema_version": 1, "metrics": {"acc": value}, "step": 9, "complete": True} | changes


def ranked(values, goal="maximize", seeds=None):
    """Rank trials x=0, 1, … with one value each (None: no file), or one list of values per seed."""
    sweep = {"parameters": {"x": list(range(len(values)))}, "seeds": seeds or []}
    flat = [v for group in values for v in (group if seeds else [group])]
    pairs = zip(trials(sweep), flat, strict=True)
    results = [result(t, parse(None if v is None else document(v)), "acc") for t, v in pairs]
    return ranked_points(results, goal)


def test_the_goal_decides():
    assert winner(ranked([0.1, 0.9, 0.5])).value == 0.9
    assert winner(ranked([0.1, 0.9, 0.5], "minimize")).value == 0.1


REFUSED = [
    (None, "there is no metrics.json"),
    ([], "has no metrics"),
    ({"metrics": {"acc": 1}}, "schema_version"),
    (document(0.9, complete=False), "stopped early, at step 9"),
    (document(None), "no metric acc"),
    (document(math.nan), "is nan"),
    (document(math.inf), "is inf"),
    (document(value=True), "not a number"),
    (document("0.9"), "not a number"),
]


@pytest.mark.parametrize(("made", "problem"), REFUSED, ids=[p for _, p in REFUSED])
def test_what_never_wins_says_why(made, problem):
    read = result(Trial("a", {}, "a"), parse(made), "acc")
    assert read.value is None
    assert problem in read.problem
    assert ranked_points([read], "maximize") == []
    assert problem in table([], [read], "acc")


def test_seeds_are_averaged_and_the_best_seed_of_the_best_point_is_taken():
    best = winner(ranked([[0.95, 0.1], [0.7, 0.8]], seeds=[0, 1]))
    assert (best.value, best.trial.parameters) == (0.8, {"x": 1, "seed": 1})


def test_a_point_that_lost_a_seed_comes_after_every_complete_one():
    order = ranked([[0.99, None], [0.1, 0.2]], seeds=[0, 1])
    assert [s.results[0].trial.parameters["x"] for s in order] == [1, 0]
    assert [s.complete for s in order] == [True, False]


def test_ties_go_to_the_smaller_id():
    order = ranked([0.5] * 8)
    ids = [s.results[0].trial.id for s in order]
    assert ids == sorted(ids)


def test_nothing_to_choose_from_is_an_error():
    with pytest.raises(ValueError, match="no trial has a usable metric"):
        winner([])


def test_the_table_is_short_and_counts_what_it_hides():
    text = table(ranked([i / 100 for i in range(50)]), [], "acc")
    assert text.splitlines()[1].split()[:1] == ["1"]
    assert text.endswith("(30 more)")


FILES = st.none() | st.builds(
    document, st.floats() | st.none() | st.integers(), complete=st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=8), st.sampled_from(["maximize", "minimize"]))
def test_the_winner_is_the_extreme_of_the_usable(files, goal):
    every = trials({"parameters": {"x": list(range(len(files)))}})
    results = [result(t, parse(f), "acc") for t, f in zip(every, files, strict=True)]
    usable = [item.value for item in results if item.value is not None]
    assert all(math.isfinite(value) for value in usable)
    order = ranked_points(results, goal)
    assert len(order) == len(usable)
    if usable:
        assert winner(order).value == (max if goal == "maximize" else min)(usable)
