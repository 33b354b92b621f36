"""Vertex AI's hyperparameter tuning jobs, as `gcloud ai hp-tuning-jobs create --config` reads them.

https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.hyperparameterTuningJobs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagfactory.importers import Imported, Options, Source
from dagfactory.importers._ranges import counted, numeric, span, whole_grid
from dagfactory.importers._search import Search, literal, read_file
from dagfactory.importers._vertex_trial import fill_trial
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_STUDY = ("studySpec",)
_METHODS = {
    "": "bayes",
    "ALGORITHM_UNSPECIFIED": "bayes",
    "RANDOM_SEARCH": "random",
    "GRID_SEARCH": "grid",
}
_GOALS = {"MINIMIZE": "minimize", "MAXIMIZE": "maximize"}
_EARLY = (
    "a trial is not stopped while it trains yet",
    "delete it: every trial then trains to its end",
)
REFUSED: dict[KeyPath, tuple[str, str]] = {
    (*_STUDY, "decayCurveStoppingSpec"): _EARLY,
    (*_STUDY, "medianAutomatedStoppingSpec"): _EARLY,
    (*_STUDY, "convexAutomatedStoppingSpec"): _EARLY,
    (*_STUDY, "studyStoppingConfig"): ("a sweep ends after its `trials`", "write `maxTrialCount`"),
    (*_STUDY, "transferLearningConfig"): ("a sweep learns from itself only", "delete it"),
}
"""What a sweep cannot honour: why, and what to write instead."""

_LEFT_OUT: dict[KeyPath, tuple[str, str]] = {
    ("maxFailedTrialCount",): (
        "no-equivalent",
        "left out: a sweep fails when no trial succeeds",
    ),
    (*_STUDY, "measurementSelectionType"): (
        "changed",
        "left out: the winner is told by `metrics.json`",
    ),
    (*_STUDY, "observationNoise"): ("changed", "left out: the study takes Vertex AI's default"),
}
_NUMBERS = {"doubleValueSpec": False, "integerValueSpec": True}
_LISTS = ("categoricalValueSpec", "discreteValueSpec")


def read(sources: Sequence[Source], options: Options) -> list[Imported]:
    """Turn each job into a spec."""
    del options
    return [
        read_file(each.file, "a hyperparameter tuning job of Vertex AI", ("studySpec",), _fill)
        for each in sources
    ]


def _fill(search: Search) -> str:
    """Set the keys of the sweep and return the name of the pipeline."""
    search.report(REFUSED, _LEFT_OUT)
    search.sweep["type"] = "sweep"
    fill_trial(search)
    _metric(search)
    method = _method(search)
    _parameters(search, method)
    return search.text(("displayName",))


def _metric(search: Search) -> None:
    path = (*_STUDY, "metrics")
    if len(search.items(path)) != 1:
        place = path if search.root.find(path) else _STUDY
        search.refuse(place, "a sweep has one metric", "keep the one that decides")
        return
    name, goal = search.text((*path, 0, "metricId")), search.text((*path, 0, "goal")).upper()
    if not name or goal not in _GOALS:
        search.broken(path, "a metric has `metricId`, and `goal: MINIMIZE` or `MAXIMIZE`")
        return
    search.sweep["metric"] = CommentedMap(name=literal(name), goal=_GOALS[goal])
    message = "the winner is told by the `metrics.json` that a trial writes too"
    search.add("changed", (*path, 0, "metricId"), message, "write it there under the same name")


def _method(search: Search) -> str:
    path = (*_STUDY, "algorithm")
    name = search.text(path).upper()
    if name not in _METHODS:
        search.broken(path, "it is `RANDOM_SEARCH`, `GRID_SEARCH` or `ALGORITHM_UNSPECIFIED`")
    method = _METHODS.get(name, "bayes")
    if method != "grid":
        search.sweep["method"] = method
        search.sweep["trials"] = _count(search, "maxTrialCount")
    search.sweep["parallel"] = _count(search, "parallelTrialCount")
    return method


def _count(search: Search, key: str) -> int | float | None:
    """Return a count, or gcloud's default for one that is not given."""
    if search.root.find((key,)):
        return numeric(search, (key,), whole=True)
    message = f"`{key}` is an argument of gcloud or its default, 1"
    search.add("look", _STUDY, message, f"write `{key}` into the file, or change the spec")
    return 1


def _parameters(search: Search, method: str) -> None:
    """Set the hyperparameters; Vertex AI hands each over as `--name=value`, as a job here does."""
    made = CommentedMap()
    path = (*_STUDY, "parameters")
    for at, _ in enumerate(search.items(path)):
        name = search.text((*path, at, "parameterId"))
        if not name:
            search.broken((*path, at), "it has no `parameterId`")
            continue
        space = _space(search, (*path, at), grid=method == "grid")
        if space is not None:
            made[name] = CommentedMap(space)
    if not search.items(path):
        search.broken(_STUDY, "it has no `parameters`")
    made.block_style = True
    search.sweep["parameters"] = made
    whole_grid(search, method, made, ("maxTrialCount",), "RANDOM_SEARCH")


def _space(search: Search, path: KeyPath, *, grid: bool) -> dict[str, Any] | None:
    """Return the values or the range of one hyperparameter; None, with a remark, for any other."""
    conditional = (*path, "conditionalParameterSpecs")
    if search.root.find(conditional):
        message = "hyperparameters that only some trials have are not there yet"
        search.refuse(conditional, message, "write a job for each value of the one above")
        return None
    log = _is_log(search, path)
    for key in _LISTS:
        if search.root.find((*path, key)):
            return _listed(search, (*path, key, "values"))
    for key, whole in _NUMBERS.items():
        if search.root.find((*path, key)):
            made = span(search, (*path, key), ("minValue", "maxValue"), whole=whole, log=log)
            return _for_grid(search, (*path, key), made) if grid and made else made
    search.broken(path, "it says no values", "write for example `discreteValueSpec`")
    return None


def _is_log(search: Search, path: KeyPath) -> bool:
    name = search.text((*path, "scaleType")).upper()
    if name == "UNIT_REVERSE_LOG_SCALE":
        message = "a range is drawn from evenly, or by the logarithm of its values"
        search.refuse((*path, "scaleType"), message, "tune one minus the value")
    return name == "UNIT_LOG_SCALE"


def _listed(search: Search, path: KeyPath) -> dict[str, Any] | None:
    values = [literal(each.plain()) for each in search.items(path)]
    if not values:
        search.broken(path, "it has no values")
        return None
    return {"values": values}


def _for_grid(search: Search, path: KeyPath, made: dict[str, Any]) -> dict[str, Any] | None:
    if path[-1] == "doubleValueSpec":
        message = "how fine Vertex AI makes the grid of a range is not known"
        search.refuse(path, message, "list the numbers as `discreteValueSpec`")
        return None
    return counted(search, path, made, 1)
