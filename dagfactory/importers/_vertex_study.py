"""How a study of Vertex AI searches: what chooses its trials, how many, and which are stopped early."""

from __future__ import annotations

from typing import Any

from dagfactory.importers._ranges import numeric
from dagfactory.importers._search import Search
from dagfactory.importers._write import CommentedMap

_STUDY = ("studySpec",)
_RULES = {
    "medianAutomatedStoppingSpec": "median",
    "decayCurveStoppingSpec": "decay_curve",
    "convexAutomatedStoppingSpec": "convex",
}
_OF_CONVEX = {
    "maxStepCount": "max_steps",
    "minStepCount": "min_steps",
    "minMeasurementCount": "min_measurements",
}
_MEASUREMENTS = {"LAST_MEASUREMENT": "last", "BEST_MEASUREMENT": "best"}


def fill_study(search: Search, method: str) -> str:
    """Set how trials are chosen and stopped; return the method of the sweep."""
    rules = [key for key in _RULES if search.root.find((*_STUDY, key))]
    if len(rules) > 1:
        search.broken((*_STUDY, rules[1]), "a study has one rule", f"delete it or `{rules[0]}`")
    steered = "bayes" if rules else method
    if steered != "grid":
        search.sweep["method"] = steered
        search.sweep["trials"] = count(search, "maxTrialCount")
    if steered != method:
        search.sweep["algorithm"] = method
    if rules:
        search.sweep["early_stopping"] = _rule(search, rules[0])
    _measurement(search, steered)
    return steered


def _rule(search: Search, key: str) -> Any:
    """Return a rule of early stopping, by its name where it says no more."""
    path = (*_STUDY, key)
    made: dict[str, Any] = {"rule": _RULES[key]}
    fields = search.fields(path)
    if "useElapsedDuration" in fields and fields["useElapsedDuration"].value is True:
        made["by"] = "seconds"
    for field, name in _OF_CONVEX.items():
        found = numeric(search, (*path, field), whole=True) if field in fields else None
        # 0 is what a proto says for nothing, but where it is a number of steps
        if found or (found == 0 and name == "min_steps"):
            made[name] = found
    if search.text((*path, "learningRateParameterName")):
        made["learning_rate"] = search.text((*path, "learningRateParameterName"))
    return made["rule"] if len(made) == 1 else CommentedMap(made)


def _measurement(search: Search, method: str) -> None:
    """Set which report of a trial steers the study."""
    path = (*_STUDY, "measurementSelectionType")
    name = _MEASUREMENTS.get(search.text(path).upper())
    if name and method == "bayes":
        search.sweep["measurement"] = name
    elif name:
        search.add("changed", path, "left out: the winner is told by `metrics.json`")


def fill_failures(search: Search, method: str) -> None:
    """Set how many failed trials fail the sweep; with 0 Vertex AI decides."""
    path = ("maxFailedTrialCount",)
    most = numeric(search, path, whole=True) if search.root.find(path) else None
    if most:
        search.sweep["max_failed_trials"] = most
        if method != "bayes":
            search.add("changed", path, "they fail the sweep when all trials have ended")


def count(search: Search, key: str) -> int | float | None:
    """Return a count, or gcloud's default for one that is not given."""
    if search.root.find((key,)):
        return numeric(search, (key,), whole=True)
    message = f"`{key}` is an argument of gcloud or its default, 1"
    search.add("look", _STUDY, message, f"write `{key}` into the file, or change the spec")
    return 1
