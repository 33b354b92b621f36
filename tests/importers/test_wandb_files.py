"""Random sweep files of W&B: a spec comes of each, or a refusal that names a key and a reason.

`benchmarks/wandb_law.py` compares 300 of them with W&B's own engine.
"""

from __future__ import annotations

import pytest
import wandb_files

from dagfactory.language.wandb import REFUSED, UnfitError, parameter

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
    if "log_uniform" in name or "q_uniform" in name:
        definition |= {"min": 1, "max": 2}
    elif name.startswith("categorical"):
        definition |= {"values": [1, 2], "probabilities": [0.5, 0.5]}
    with pytest.raises(UnfitError) as caught:
        parameter(definition)
    assert caught.value.reason.startswith(f"`{name}`: ")
    assert caught.value.remedy
    assert not caught.value.broken
