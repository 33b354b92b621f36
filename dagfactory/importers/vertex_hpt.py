"""Vertex AI's hyperparameter tuning jobs, as `gcloud ai hp-tuning-jobs create --config` reads them.

https://docs.cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.hyperparameterTuningJobs
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagfactory.importers import Imported, Options, Source
from dagfactory.importers._search import Search, literal, read_file
from dagfactory.importers._vertex_parameters import fill_parameters
from dagfactory.importers._vertex_study import count, fill_failures, fill_study
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
REFUSED: dict[KeyPath, tuple[str, str]] = {
    (*_STUDY, "convexStopConfig"): (
        "it is the older form of a rule",
        "write `convexAutomatedStoppingSpec`",
    ),
    (*_STUDY, "convexAutomatedStoppingSpec", "updateAllStoppedTrials"): (
        "trials that were stopped keep their value",
        "delete it",
    ),
    (*_STUDY, "studyStoppingConfig"): ("a sweep ends after its `trials`", "write `maxTrialCount`"),
    (*_STUDY, "transferLearningConfig"): ("a sweep learns from itself only", "delete it"),
}
"""What a sweep cannot honour: why, and what to write instead."""

_LEFT_OUT: dict[KeyPath, tuple[str, str]] = {
    (*_STUDY, "observationNoise"): ("changed", "left out: the study takes Vertex AI's default"),
}


def read(sources: Sequence[Source], options: Options) -> list[Imported]:
    """Turn each job into a spec."""
    del options
    return [
        read_file(each.file, "a hyperparameter tuning job of Vertex AI", ("studySpec",), _fill)
        for each in sources
    ]


def _fill(search: Search) -> str:
    """Set the keys of the sweep and return the name of the pipeline."""
    for path, (reason, remedy) in REFUSED.items():
        if search.root.find(path):
            search.refuse(path, reason, remedy)
    for path, (code, message) in _LEFT_OUT.items():
        if search.root.find(path):
            search.add(code, path, message)
    search.sweep["type"] = "sweep"
    fill_trial(search)
    _metric(search)
    method = fill_study(search, _method(search))
    search.sweep["parallel"] = count(search, "parallelTrialCount")
    fill_failures(search, method)
    fill_parameters(search, method)
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
    return _METHODS.get(name, "bayes")
