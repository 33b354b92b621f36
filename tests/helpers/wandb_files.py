"""Random sweep files of W&B, what the importer makes of them, and the questions to W&B's own engine."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from dagfactory.diagnostics.source import SourceFile
from dagfactory.importers import Options, Source, importer
from dagfactory.runtime import sampling

DRAWS = 10_000
UNITS = 200
_KEYED = re.compile(r"`[\w.\[\]-]+`: .+")


@dataclass(slots=True)
class Result:
    """What became of one file: the refusals, and a comparison for each hyperparameter that varies."""

    number: int
    text: str
    refusals: list[str] = field(default_factory=list)
    silent: bool = False
    questions: list[dict[str, Any]] = field(default_factory=list)


def sweep(number: int, seed: int) -> dict[str, Any]:
    """Return a sweep of one to five hyperparameters."""
    dice = random.Random(f"{seed}/{number}")  # noqa: S311 - the same files every time
    names = [f"p{place}" for place in range(dice.randint(1, 5))]
    method = dice.choice(["random", "random", "bayes", "grid"])
    return {
        "program": "train.py",
        "method": method,
        "run_cap": dice.randint(1, 60) if method != "grid" else 100_000,
        "metric": {"name": "loss", "goal": dice.choice(["minimize", "maximize"])},
        "parameters": {name: _definition(dice, grid=method == "grid") for name in names},
    }


def _definition(dice: random.Random, *, grid: bool) -> dict[str, Any]:
    kinds = [_values, _constant, _whole] if grid else [*_KINDS, _unusual]
    return dice.choice(kinds)(dice)


def _values(dice: random.Random) -> dict[str, Any]:
    count = dice.randint(1, 6)
    listed = dice.choice(
        [["a", "b", "c", "d", "e", "f"], [1, 2, 4, 8, 16, 32], [0.1, 0.5, 1.5, 2.0, 3.25, 9.0]]
    )
    return {"values": listed[:count]} | dice.choice([{}, {"distribution": "categorical"}])


def _constant(dice: random.Random) -> dict[str, Any]:
    return {"value": dice.choice([3, 0.5, "adam", True])}


def _whole(dice: random.Random) -> dict[str, Any]:
    low = dice.randint(-20, 50)
    made: dict[str, Any] = {"min": low, "max": low + dice.randint(1, 300)}
    return made | dice.choice([{}, {"distribution": "int_uniform"}])


def _uniform(dice: random.Random) -> dict[str, Any]:
    low = round(dice.uniform(-5, 5), 3)
    made = {"min": low, "max": low + round(dice.uniform(0.01, 9), 3)}
    return made | {"distribution": "uniform"}


def _inferred(dice: random.Random) -> dict[str, Any]:
    return {"min": dice.choice([0, 0.25]), "max": dice.choice([0.5, 1.0, 7.5])}


def _even_whole(dice: random.Random) -> dict[str, Any]:
    return {"min": 0, "max": dice.randint(1, 9), "distribution": "uniform"}


def _exponents(dice: random.Random) -> dict[str, Any]:
    low = round(dice.uniform(-12, 2), 2)
    name = dice.choice(["log_uniform", "inv_log_uniform"])
    return {"distribution": name, "min": low, "max": low + round(dice.uniform(0.1, 8), 2)}


def _orders(dice: random.Random) -> dict[str, Any]:
    low = 10 ** dice.uniform(-7, 1)
    name = dice.choice(["log_uniform_values", "inv_log_uniform_values"])
    return {"distribution": name, "min": low, "max": low * 10 ** dice.uniform(0.2, 4)}


def _unusual(dice: random.Random) -> dict[str, Any]:
    """Return a definition that a sweep has no equivalent for."""
    return dice.choice(
        [
            {"distribution": "normal", "mu": 1, "sigma": 2},
            {"distribution": "q_log_normal", "mu": 1, "sigma": 0.5, "q": 2},
            {"distribution": "beta", "a": 2, "b": 3},
            {"distribution": "q_uniform", "min": 0, "max": 10, "q": 3},
            {"distribution": "q_log_uniform_values", "min": 4, "max": 512, "q": 8},
            {"values": ["a", "b"], "probabilities": [0.3, 0.7]},
        ]
    )


def _stepped(dice: random.Random) -> dict[str, Any]:
    """Return a range whose ends are steps; W&B's steps are 1 where it says none."""
    step = dice.choice([1, 4, 2.0, 0.25, 0.1])
    name = dice.choice(["q_uniform", "q_log_uniform_values"])
    low = dice.randint(1, 9)
    made = {"distribution": name, "min": low * step, "max": (low + dice.randint(1, 60)) * step}
    return made if step == 1 else made | {"q": step}


_KINDS = [
    _values,
    _constant,
    _whole,
    _uniform,
    _inferred,
    _even_whole,
    _exponents,
    _orders,
    _stepped,
]


def imported(number: int, seed: int) -> Result:
    """Import one file."""
    made = sweep(number, seed)
    text = yaml.safe_dump(made, sort_keys=False)
    (outcome,) = (
        importer("wandb").read([Source(SourceFile("sweep.yaml", text))], Options())[0].outcomes
    )
    result = Result(number, text)
    errors = [each for each in outcome.remarks if each.severity == "error"]
    result.refusals = [each.message for each in errors]
    result.silent = not all(each.span and _KEYED.match(each.message) for each in errors)
    if outcome.text is None:
        result.silent |= not errors
        return result
    task = yaml.load(outcome.text, yaml.SafeLoader)["tasks"]["search"]
    for name, definition in made["parameters"].items():
        if name in task["parameters"] and made["method"] != "grid":
            result.questions.append(_question(name, definition, _space(task["parameters"][name])))
    return result


def _space(written: dict[str, Any]) -> Any:
    # YAML 1.1 reads `1e-05` as text
    ends = {key: _number(written[key]) for key in ("min", "max", "step") if key in written}
    return written.get("values", {**written, **ends})


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value


def _question(name: str, definition: dict[str, Any], space: Any) -> dict[str, Any]:
    """Return our quantiles and draws of one hyperparameter, beside W&B's definition of it."""
    dice = random.Random(name)  # noqa: S311 - the same questions every time
    units = [dice.random() for _ in range(UNITS)]
    draws = sampling.Draws("random", {name: space}, dice.randrange(10**6))
    return {
        "definition": definition,
        "units": units,
        "quantiles": [quantile(space, each) for each in units],
        "draws": [draws.value(number, name) for number in range(DRAWS)],
    }


def quantile(space: Any, unit: float) -> Any:
    """Return the value of a list or of whole numbers; of a range before it is rounded to six digits."""
    if isinstance(space, list) or "step" in space or isinstance(space["min"], int):
        return sampling.value_at(space, unit)
    return sampling._spread(space["min"], space["max"], space.get("scale") == "log")(unit)
