"""Sweeps with conditions: what a point has, what goes together, what is left out; and each by its index."""

from __future__ import annotations

import itertools
import json
import random
import sys

import processes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagfactory.language.condition import parse
from dagfactory.runtime import expr, grid
from dagfactory.runtime.points import Points
from dagfactory.runtime.sampling import listed, scale


def condition(text):
    return parse(text, "parameters")


NETWORK = {
    "method": "grid",
    "parameters": {
        "momentum": [0.8, 0.9],
        "optimizer": ["sgd", "adam"],
        "width": [8, 16],
        "depth": [1, 2],
        "nesterov": [True, False],
        "dropout": {"min": 0, "max": 0.3, "step": 0.1},
    },
    "when": {
        "nesterov": condition("momentum > 0.8"),
        "momentum": condition("optimizer == 'sgd'"),
    },
    "zip": [["width", "depth"]],
    "constraints": [condition("width * dropout < 4")],
}


def one_by_one(definition):
    """Return the points of a sweep as its definition says it: all values of all, then what remains."""
    names, found = list(definition["parameters"]), {}
    for values in itertools.product(*(listed(each) for each in definition["parameters"].values())):
        point = dict(zip(names, values, strict=True))
        if not together(point, definition):
            continue
        had = has(point, definition.get("when", {}))
        if fits(had, definition.get("constraints", ())) and not excluded(had, definition):
            found.setdefault(json.dumps(had, sort_keys=True), had)
    return found.keys()


def together(point, definition):
    for names in definition.get("zip", ()):
        rows = zip(*(listed(definition["parameters"][name]) for name in names), strict=True)
        if tuple(point[name] for name in names) not in set(rows):
            return False
    return True


def has(point, when):
    """Take away what has no ground, until nothing is left to take."""
    for name, needed in when.items():
        if name in point and not expr.evaluate(needed, point, {}).passed:
            return has({key: value for key, value in point.items() if key != name}, when)
    return point


def fits(point, constraints):
    return all(
        expr.evaluate(each, point, {}).passed
        for each in constraints
        if set(expr.names(each).metrics) <= point.keys()
    )


def excluded(point, definition):
    return any(
        all(name in point and point[name] == value for name, value in rule.items())
        for rule in definition.get("exclude", ())
    )


def texts(points):
    return [json.dumps(each, sort_keys=True) for each in points]


NAMES = "abcd"
PARAMETERS = st.fixed_dictionaries(
    {name: st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True) for name in NAMES}
)
CONDITIONS = st.builds(
    lambda left, sign, right: condition(f"{left} {sign} {right}"),
    st.sampled_from(NAMES),
    st.sampled_from(["<", "==", "!=", ">="]),
    st.sampled_from([*NAMES, "0", "1", "2"]),
)


@st.composite
def definitions(draw):
    parameters = draw(PARAMETERS)
    size = min(len(parameters["a"]), len(parameters["b"]))
    zipped = draw(st.booleans())
    if zipped:
        parameters |= {name: parameters[name][:size] for name in "ab"}
    # a condition reads what stands before it, so that none waits for itself
    when = {
        name: condition(f"{draw(st.sampled_from(NAMES[:at]))} > {draw(st.integers(0, 2))}")
        for at, name in ((2, "c"), (3, "d"))
        if draw(st.booleans())
    }
    rule = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), min_size=1, max_size=2)
    return {
        "method": "grid",
        "parameters": parameters,
        "zip": [["a", "b"]] if zipped else [],
        "when": when,
        "constraints": draw(st.lists(CONDITIONS, max_size=2)),
        "exclude": draw(st.lists(rule, max_size=2)),
    }


@settings(max_examples=150, deadline=None)
@given(definitions(), st.randoms())
def test_a_grid_has_each_point_that_its_conditions_allow_once_in_any_order(definition, chance):
    points = Points(definition)
    found = texts(points)
    assert len(points) == len(found) == len(set(found))
    assert set(found) == one_by_one(definition)
    assert all(points._made.holds(each) for each in points)
    shuffled = list(definition["parameters"].items())
    chance.shuffle(shuffled)
    assert set(texts(Points(definition | {"parameters": dict(shuffled)}))) == set(found)
    parts = [{name: each[name] for name in "ac" if name in each} for each in points]
    assert list(points.parts("ac")) == parts


@settings(max_examples=60, deadline=None)
@given(definitions())
def test_excluding_then_including_gives_all_points_back(definition):
    everything = Points(definition | {"exclude": []})
    left = Points(definition)
    gone = [each for each in everything if each not in list(left)]
    again = Points(definition | {"include": gone})
    assert sorted(texts(again)) == sorted(texts(everything))
    assert len(Points(definition | {"include": list(left)})) == len(left)


@settings(max_examples=60, deadline=None)
@given(definitions(), st.sampled_from(["random", "sobol"]), st.integers(0, 5))
def test_drawn_points_are_different_ones_of_the_grid(definition, method, seed):
    drawn = definition | {"method": method, "trials": 6, "draw_seed": seed}
    points = Points(drawn)
    found, whole = texts(points), one_by_one(definition)
    assert len(found) == len(set(found)) <= 6
    assert set(found) <= whole
    assert all(points._made.holds(each) for each in points)
    assert [grid.trial(drawn, at).parameters for at in range(len(points))] == list(points)


def test_a_network_has_momentum_with_sgd_and_nesterov_with_much_of_it():
    points = list(Points(NETWORK))
    assert len(points) == 4 * (2 * 4 - 1)
    for point in points:
        assert ("momentum" in point) == (point["optimizer"] == "sgd")
        assert ("nesterov" in point) == (point.get("momentum", 0) > 0.8)
        assert (point["width"], point["depth"]) in {(8, 1), (16, 2)}
        assert point["width"] * point["dropout"] < 4


def test_steps_end_within_the_range_and_a_draw_gives_the_nearest():
    assert listed({"min": 0, "max": 0.3, "step": 0.1}) == [0, 0.1, 0.2, 0.3]
    assert listed({"min": 32, "max": 100, "step": 32}) == [32, 64, 96]
    assert [scale({"min": 0, "max": 4, "step": 2})(unit) for unit in (0, 0.2, 0.3, 0.8, 0.999)] == [
        0,
        0,
        2,
        4,
        4,
    ]
    logarithmic = scale({"min": 1, "max": 1000, "step": 1, "scale": "log"})
    assert [logarithmic(unit) for unit in (0, 1 / 3, 2 / 3)] == [1, 10, 100]


def test_a_trial_takes_no_more_steps_than_the_frontier_asks():
    """Ten thousand points with a condition and a constraint over two parameters are not walked through."""
    large = NETWORK | {
        "parameters": NETWORK["parameters"] | {"a": list(range(20)), "b": list(range(25))},
    }
    assert grid.count(large) == 28 * 500
    points = Points(large)
    assert points[13_999]["b"] == 24
    assert len(points._made._counted) < 40


@pytest.mark.parametrize("method", ["grid", "random", "sobol"])
def test_another_process_with_another_hash_seed_derives_the_same(method):
    sweep = NETWORK | {"method": method} | ({"trials": 20} if method != "grid" else {})
    code = (
        "import json, sys; from dagfactory.runtime import grid;"
        "print(json.dumps([each.id for each in grid.trials(json.load(sys.stdin))]))"
    )
    seed = str(random.Random(method).randrange(1, 1000))  # noqa: S311 - any will do
    found = processes.output(
        [sys.executable, "-c", code], input=json.dumps(sweep), env={"PYTHONHASHSEED": seed}
    )
    assert json.loads(found) == [each.id for each in grid.trials(sweep)]
