"""What Vertex AI is told of a search that it steers: StudySpec of its API."""

from __future__ import annotations

from typing import Any

from dagfactory.runtime import expr
from dagfactory.runtime.arguments import as_text
from dagfactory.runtime.conditions import names
from dagfactory.tasks._sweep.fields import EarlyStopping
from dagfactory.tasks._sweep.model import Sweep
from dagfactory.tasks._sweep.space import Space, expression

_RULES = {
    "median": "medianAutomatedStoppingSpec",
    "decay_curve": "decayCurveStoppingSpec",
    "convex": "convexAutomatedStoppingSpec",
}
_OF_CONVEX = {
    "max_steps": "maxStepCount",
    "min_steps": "minStepCount",
    "min_measurements": "minMeasurementCount",
    "learning_rate": "learningRateParameterName",
}


def study(task: Sweep) -> dict[str, Any]:
    """Return the study, how many trials it has, and how many may fail."""
    metric = {"metricId": task.metric.name, "goal": task.metric.goal.upper()}
    roots = [name for name, space in task.spaces.items() if not space.when]
    spec: dict[str, Any] = {
        "metrics": [metric],
        "parameters": [_parameter(task, name) for name in roots],
    }
    if task.algorithm:
        spec["algorithm"] = f"{task.algorithm.upper()}_SEARCH"
    if task.measurement:
        spec["measurementSelectionType"] = f"{task.measurement.upper()}_MEASUREMENT"
    if task.early_stopping:
        spec |= _stopping(task.early_stopping)
    failures = {"maxFailedTrialCount": task.max_failed_trials} if task.max_failed_trials else {}
    return {
        "studySpec": spec,
        "maxTrialCount": task.trials,
        "parallelTrialCount": min(task.parallel, task.trials or 1),
        **failures,
    }


def _stopping(rule: EarlyStopping) -> dict[str, Any]:
    made: dict[str, Any] = {"useElapsedDuration": True} if rule.by == "seconds" else {}
    for key, field in _OF_CONVEX.items():
        if getattr(rule, key) is not None:
            made[field] = getattr(rule, key)
    return {_RULES[rule.rule]: made}


def _parameter(task: Sweep, name: str) -> dict[str, Any]:
    """Return the ParameterSpec of a hyperparameter, with those that depend on its value."""
    space = task.spaces[name]
    made = {"parameterId": name, **_values(space)}
    below = [
        {**_condition(space, chosen), "parameterSpec": _parameter(task, child)}
        for child, chosen in _children(task, name)
    ]
    return made | ({"conditionalParameterSpecs": below} if below else {})


def _children(task: Sweep, parent: str) -> list[tuple[str, list[Any]]]:
    """Return what depends on a hyperparameter, and on which of its values."""
    found = []
    for name, space in task.spaces.items():
        condition = expression(space.when) if space.when else None
        if condition and names(condition) == {parent}:
            values = task.spaces[parent].listed or ()
            found.append((name, [each for each in values if expr.holds(condition, {parent: each})]))
    return found


def _condition(parent: Space, values: list[Any]) -> dict[str, Any]:
    if "discreteValueSpec" in _values(parent):
        return {"parentDiscreteValues": {"values": sorted(values)}}
    return {"parentCategoricalValues": {"values": [_word(each) for each in values]}}


def _values(space: Space) -> dict[str, Any]:
    """Return which values a hyperparameter has, as ParameterSpec says it."""
    scale = "UNIT_LOG_SCALE" if space.scale == "log" else "UNIT_LINEAR_SCALE"
    if space.listed is not None:
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in space.listed):
            made = {"discreteValueSpec": {"values": sorted(space.listed)}}
            return made | ({"scaleType": scale} if space.scale else {})
        return {"categoricalValueSpec": {"values": [_word(value) for value in space.listed]}}
    whole = isinstance(space.min, int) and isinstance(space.max, int)
    ends = {"minValue": space.min, "maxValue": space.max}
    return {"integerValueSpec" if whole else "doubleValueSpec": ends, "scaleType": scale}


def _word(value: Any) -> str:
    # what the program would read of an argument that the spec writes
    return as_text(value)
