"""What a StudySpec says: whether Vertex takes it, and the parameters of each trial.

The rules are those in the comments of Google's study.proto. Values are drawn at random, or one after the
other by GRID_SEARCH; a Bayesian service would suggest what the results so far ask for.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, enum_value

MOST_VALUES, APART = 1_000, 1e-10
"""Values of a DISCRETE parameter, and how far they are from each other at least."""

Value = str | float


def check(study: Any) -> None:
    """Refuse a study that Vertex refuses; raises INVALID_ARGUMENT."""
    if len(study.metrics) != 1:
        raise _wrong("study_spec needs exactly one metric.")
    _check_id("metric_id", study.metrics[0].metric_id)
    if not study.parameters:
        raise _wrong("study_spec needs at least one parameter.")
    if study.observation_noise:
        raise _wrong("observation_noise is not supported by HyperparameterTuningJob.")
    _check_siblings([(each, None) for each in study.parameters])
    if study.algorithm == _algorithm("GRID_SEARCH"):
        for each in parameters(study.parameters):
            if _kind(each) == "double_value_spec":
                raise _wrong(f"GRID_SEARCH takes no DOUBLE parameter: {each.parameter_id}.")


def parameters(specs: Sequence[Any]) -> Iterator[Any]:
    """Yield parameters and those that depend on them."""
    for each in specs:
        yield each
        below = [conditional.parameter_spec for conditional in each.conditional_parameter_specs]
        yield from parameters(below)


def suggest(study: Any, number: int) -> Mapping[str, Value]:
    """Return the parameters of a trial, of which the first has the number 1."""
    if study.algorithm == _algorithm("GRID_SEARCH"):
        every = list(_combinations(study.parameters))
        return every[(number - 1) % len(every)]
    generator = random.Random(number)  # noqa: S311 - so that a study repeats its trials
    found: dict[str, Value] = {}
    _draw(study.parameters, generator, found)
    return found


def _draw(specs: Sequence[Any], generator: random.Random, found: dict[str, Value]) -> None:
    for each in specs:
        found[each.parameter_id] = value = _drawn(each, generator)
        _draw(_active(each, value), generator, found)


def _active(spec: Any, value: Value) -> list[Any]:
    """Return what a trial has besides, where a parameter has this value."""
    return [
        each.parameter_spec
        for each in spec.conditional_parameter_specs
        if any(_same(value, wanted) for wanted in _wanted(each))
    ]


def _same(value: Value, wanted: Value) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return value == wanted
    return abs(value - wanted) <= APART


def _combinations(specs: Sequence[Any]) -> Iterator[dict[str, Value]]:
    if not specs:
        yield {}
        return
    first, *others = specs
    for value in _listed(first):
        for here, rest in itertools.product(
            _combinations(_active(first, value)), list(_combinations(others))
        ):
            yield {first.parameter_id: value, **here, **rest}


def _listed(spec: Any) -> Sequence[Value]:
    kind = _kind(spec)
    values = getattr(spec, kind)
    if kind == "integer_value_spec":
        return range(values.min_value, values.max_value + 1)
    return list(values.values)


def _drawn(spec: Any, generator: random.Random) -> Value:
    kind = _kind(spec)
    values = getattr(spec, kind)
    if kind in ("categorical_value_spec", "discrete_value_spec"):
        chosen: Value = generator.choice(list(values.values))
        return chosen
    value = _between(values.min_value, values.max_value, spec.scale_type, generator)
    return round(value) if kind == "integer_value_spec" else value


def _between(low: float, high: float, scale: int, generator: random.Random) -> float:
    if scale != _scale("UNIT_LOG_SCALE"):
        return generator.uniform(low, high)
    value = math.exp(generator.uniform(math.log(low), math.log(high)))
    return min(max(value, low), high)  # exp(log(x)) may differ from x in its last digit


def _check_siblings(specs: Sequence[tuple[Any, Any]]) -> None:
    """Refuse parameters of one level; each comes with the condition under which it is there."""
    seen: dict[str, list[Value]] = {}
    for spec, condition in specs:
        _check_id("parameter_id", spec.parameter_id)
        wanted = _wanted(condition) if condition is not None else []
        before = seen.get(spec.parameter_id)
        if before is not None and (not wanted or any(each in before for each in wanted)):
            raise _wrong(f"parameter_id {spec.parameter_id} is not unique.")
        seen.setdefault(spec.parameter_id, []).extend(wanted)
        _check_values(spec)
        for each in spec.conditional_parameter_specs:
            _check_condition(spec, each)
        _check_siblings([(each.parameter_spec, each) for each in spec.conditional_parameter_specs])


def _check_id(field: str, name: str) -> None:
    if not name or any(each.isspace() for each in name):
        raise _wrong(f"{field} is required and has no whitespace: {name!r}.")


def _check_values(spec: Any) -> None:
    name, kind = spec.parameter_id, _kind(spec)
    values = getattr(spec, kind)
    if values.HasField("default_value"):
        raise _wrong(f"{name}: default_value is not supported by HyperparameterTuningJob.")
    if kind in ("double_value_spec", "integer_value_spec"):
        if values.min_value > values.max_value:
            raise _wrong(f"{name}: min_value is greater than max_value.")
        lowest: float = values.min_value
    elif not values.values:
        raise _wrong(f"{name} has no values.")
    elif kind == "categorical_value_spec":
        _check_categories(spec)
        return
    else:
        _check_discrete(name, list(values.values))
        lowest = min(values.values)
    if (
        spec.scale_type in (_scale("UNIT_LOG_SCALE"), _scale("UNIT_REVERSE_LOG_SCALE"))
        and lowest <= 0
    ):
        raise _wrong(f"{name}: a logarithmic scale needs a strictly positive feasible space.")


def _check_categories(spec: Any) -> None:
    values = list(spec.categorical_value_spec.values)
    if len(set(values)) < len(values):
        raise _wrong(f"{spec.parameter_id} has a category twice.")
    if spec.scale_type:
        raise _wrong(f"{spec.parameter_id}: scale_type is left unset for CATEGORICAL parameters.")


def _check_discrete(name: str, values: Sequence[float]) -> None:
    if len(values) > MOST_VALUES:
        raise _wrong(f"{name} has more than {MOST_VALUES:,} values.")
    if any(after - before < APART for before, after in itertools.pairwise(values)):
        raise _wrong(f"{name}: values are in increasing order and at least {APART} apart.")


_PARENTS = {
    "discrete_value_spec": "parent_discrete_values",
    "integer_value_spec": "parent_int_values",
    "categorical_value_spec": "parent_categorical_values",
}


def _check_condition(parent: Any, conditional: Any) -> None:
    """Refuse a condition that is not one on its parent's values."""
    kind, field = _kind(parent), conditional.WhichOneof("parent_value_condition")
    if field is None or field != _PARENTS.get(kind):
        raise _wrong(f"{parent.parameter_id}: no condition of this type is possible on its values.")
    possible = _listed(parent)
    for value in _wanted(conditional):
        if not any(_same(value, each) for each in possible):
            raise _wrong(f"{parent.parameter_id} never has the value {value} of a condition.")


def _wanted(conditional: Any) -> list[Value]:
    field = conditional.WhichOneof("parent_value_condition")
    return list(getattr(conditional, field).values)


def _kind(spec: Any) -> str:
    kind: str | None = spec.WhichOneof("parameter_value_spec")
    if kind is None:
        raise _wrong(f"{spec.parameter_id} has no values.")
    return kind


def _algorithm(name: str) -> int:
    return enum_value(f"{VERTEX}.StudySpec.Algorithm", name)


def _scale(name: str) -> int:
    return enum_value(f"{VERTEX}.StudySpec.ParameterSpec.ScaleType", name)


def _wrong(message: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message)
