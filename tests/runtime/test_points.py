"""A trial knows itself without the others: the same as when all are derived, by fewer steps."""

from __future__ import annotations

import itertools
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest
from big_sweeps import CUBE, RULES, digest, every
from hypothesis import given, settings
from hypothesis import strategies as st
from size import sampled

from dagfactory.runtime import halving, sweep
from dagfactory.runtime.labels import PREFIX
from dagfactory.runtime.pack import VertexPackOperator
from dagfactory.runtime.points import Points

# the modules themselves, for what is set on a stand-in is set on nothing else
grid = import_module("dagfactory.runtime.grid")

DIGESTS = json.loads((Path(__file__).parent / "sweep_digests.json").read_text())
SWEEPS = every()


@pytest.mark.parametrize("name", sampled(list(SWEEPS), 7))
def test_ten_thousand_trials_are_those_of_b122411(name):
    assert digest(SWEEPS[name]) == DIGESTS[name]


@pytest.mark.parametrize("name", SWEEPS)
def test_the_trial_at_an_index_is_that_of_the_list(name):
    made = SWEEPS[name] | {"trials": 300} if "trials" in SWEEPS[name] else SWEEPS[name]
    if "rungs" in made:
        made |= {"rungs": made["rungs"] | {"sizes": [300, 100]}}
        trials = halving.rung_trials(made, 0)
        assert [halving.rung_trial(made, 0, at) for at in (0, 150, 299)] == [
            trials[at] for at in (0, 150, 299)
        ]
    elif "pack" in made:
        packs = grid.packs(made)
        assert grid.pack(made, len(packs) - 1) == packs[-1]
    else:
        trials = grid.trials(made)
        for at in {0, len(trials) // 3, len(trials) - 1}:
            assert grid.trial(made, at) == trials[at]


def test_a_rung_with_fewer_survivors_than_places_has_no_trial_there():
    made = SWEEPS["halving_sobol"]
    one = [{"parameters": {"rate": 0.1}, "mean": 1.0, "models": {"0": "gs://b/0", "1": "gs://b/1"}}]
    assert halving.rung_trial(made, 1, 1, one).model == "gs://b/1"
    assert halving.rung_trial(made, 1, 2, one) is None


VALUES = st.integers(0, 2) | st.booleans() | st.sampled_from([0.0, 1.0, "1", None, [1], [1.0]])
RULE = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3)
DEFINITIONS = st.fixed_dictionaries(
    {
        "parameters": st.dictionaries(
            st.sampled_from("abc"), st.lists(VALUES, min_size=1, max_size=5), min_size=1
        ),
        "exclude": st.lists(RULE, max_size=4),
        "include": st.lists(
            st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1), max_size=3
        ),
    }
)


def one_by_one(definition):
    """Return the points of a grid as their definition says it: all combinations, then the rules."""
    names = list(definition["parameters"])
    found = {}
    for values in itertools.product(*definition["parameters"].values()):
        point = dict(zip(names, values, strict=True))
        if not any(met(point, rule) for rule in definition["exclude"]):
            found.setdefault(grid.trial_id(point), point)
    for point in definition["include"]:
        found.setdefault(grid.trial_id(point), point)
    return list(found.values())


def met(point, rule):
    return all(
        name in point
        and isinstance(point[name], bool) == isinstance(value, bool)
        and point[name] == value
        for name, value in rule.items()
    )


@settings(max_examples=150, deadline=None)
@given(DEFINITIONS)
def test_counted_points_are_those_found_one_by_one(definition):
    made, wanted = Points(definition), one_by_one(definition)
    assert json.dumps(list(made)) == json.dumps(wanted)
    assert len(made) == len(wanted)
    names = list(definition["parameters"])[:1]
    parts = [{name: each[name] for name in names if name in each} for each in wanted]
    assert json.dumps(list(made.parts(names))) == json.dumps(parts)


def steps(act):
    """Return how many functions, Python's own included, are called to do something."""
    count = 0

    def seen(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def grid_of(count):
    """Return a grid of so many points, with rules, of which each parameter has few values."""
    parameters = CUBE | {"batch": list(range(count // 2500))}
    return {"parameters": parameters, "exclude": RULES, "seeds": [0, 1]}


def test_a_trial_of_a_grid_takes_the_same_steps_in_one_of_four_times_the_size():
    small, large = grid_of(10_000), grid_of(40_000)
    few = steps(lambda: grid.trial(small, grid.count(small) // 2))
    many = steps(lambda: grid.trial(large, grid.count(large) // 2))
    assert many < 1.5 * few
    assert many < 20_000


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_sampled_trial_takes_steps_by_its_own_number_and_not_by_that_of_all(method):
    made = SWEEPS[f"{method}_excluded"]
    few, many = (steps(lambda at=at: grid.trial(made, at)) for at in (1_000, 4_000))
    assert many < 5 * few
    first = steps(lambda: grid.trial(made, 0))
    assert steps(lambda: grid.trial(made | {"trials": 40_000}, 0)) == first
    assert first < 500


def derivations(monkeypatch, module, name):
    """Count the calls of a function."""
    seen = []
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: (seen.append(given), real(*given))[1])
    return seen


JOB = {"workerPoolSpecs": [{}], "baseOutputDirectory": {"outputUriPrefix": "gs://b/runs"}}
SHARED = {"task_id": "t", "project": "p", "region": "r", "job": JOB}


def whole_task(operator):
    """Do what start and resumption of a task ask of its job."""
    operator._identity = {f"{PREFIX}dag": "d"}
    label = operator.trial_label
    for _ in range(2):
        operator.requested_job()
        operator.fingerprint()
        operator.job_outputs()
        operator._labels()
    return label


def test_a_task_derives_its_trial_and_its_names_once(monkeypatch):
    derived = derivations(monkeypatch, grid, "trial")
    encoded = derivations(monkeypatch, grid, "trial_id")
    operator = sweep.VertexTrialOperator(sweep=SWEEPS["grid_seeds"], trial=9_000, **SHARED)
    assert "seed=" in whole_task(operator)
    assert (len(derived), len(encoded)) == (1, 2)
    operator.sweep = SWEEPS["random"]
    assert "seed=" not in operator.trial_label


def test_a_pack_is_derived_once(monkeypatch):
    derived = derivations(monkeypatch, grid, "pack")
    whole_task(VertexPackOperator(sweep=SWEEPS["grid_packs"], pack=3, **SHARED))
    assert len(derived) == 1
