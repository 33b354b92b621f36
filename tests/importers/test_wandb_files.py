"""Random sweep files of W&B: a spec comes of each, or a refusal that names a key and a reason.

`benchmarks/wandb_law.py` compares 300 of them with W&B's own engine.
"""

from __future__ import annotations

import pytest
import wandb_files

from dagfactory.language.wandb import MOST_VALUES, REFUSED, UnfitError, parameter

SEED = 20261201
RESULTS = [wandb_files.imported(number, SEED) for number in range(12)]


@pytest.mark.parametrize("result", RESULTS, ids=lambda each: str(each.number))
def test_a_spec_or_a_refusal_that_names_a_key(result):
    assert not result.silent, result.text


def test_quantiles_are_those_of_the_definition():
    for result in RESULTS:
        for each in result.questions:
            definition = each["definition"]
            if definition.get("distribution") == "uniform":
                low, high = definition["min"], definition["max"]
                expected = [low + unit * (high - low) for unit in each["units"]]
                assert each["quantiles"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_equivalent_says_why_and_what_to_write(name):
    definition = {"distribution": name}
    if name == "q_log_uniform":
        definition |= {"min": 1, "max": 2}
    elif name.startswith("categorical"):
        definition |= {"values": [1, 2], "probabilities": [0.5, 0.5]}
    with pytest.raises(UnfitError) as caught:
        parameter(definition)
    assert caught.value.reason.startswith(f"`{name}`: ")
    assert caught.value.remedy
    assert not caught.value.broken


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"min": 0, "max": 10, "q": 2}, {"min": 0, "max": 10, "step": 2}),
        ({"min": 0, "max": 3}, {"min": 0.0, "max": 3.0, "step": 1.0}),
        ({"min": 0.1, "max": 0.3, "q": 0.1}, {"min": 0.1, "max": 0.3, "step": 0.1}),
    ],
)
def test_steps_between_multiples_are_a_range(written, expected):
    found = parameter({"distribution": "q_uniform", **written})
    assert found.range == expected
    assert [type(each) for each in found.range.values()] == [type(e) for e in expected.values()]


def test_steps_by_order_of_magnitude_are_a_range():
    definition = {"distribution": "q_log_uniform_values", "min": 8, "max": 64, "q": 8}
    assert parameter(definition).range == {"min": 8, "max": 64, "step": 8, "scale": "log"}
    with pytest.raises(UnfitError):
        parameter({**definition, "min": 0})


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ({"min": 1, "max": 4, "q": 2}, "min"),
        ({"min": 0, "max": 5, "q": 2}, "max"),
        ({"min": 0.05, "max": 0.3, "q": 0.1}, "min"),
        ({"min": 0, "max": 1e300, "q": 1e-300}, "max"),
        ({"min": 0, "max": 5, "q": 0}, "q"),
        ({"min": 0, "max": 5, "q": -1}, "q"),
    ],
)
def test_other_steps_are_refused_at_their_key(written, key):
    for grid in (False, True) if key == "q" or written["max"] > MOST_VALUES else (False,):
        with pytest.raises(UnfitError) as caught:
            parameter({"distribution": "q_uniform", **written}, grid=grid)
        assert caught.value.key == key
