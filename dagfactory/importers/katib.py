"""Katib's experiments (v1beta1): https://www.kubeflow.org/docs/components/katib/."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagfactory.importers import Imported, Options, Source
from dagfactory.importers._katib_trial import fill_trial
from dagfactory.importers._ranges import counted, numeric, span, whole_grid
from dagfactory.importers._search import MACHINE, TRIALS, Search, literal, read_file
from dagfactory.importers._write import CommentedMap
from dagfactory.language.wandb import off_step

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_SPEC = ("spec",)
_METHODS = {
    "random": "random",
    "grid": "grid",
    "sobol": "sobol",
    "bayesianoptimization": "bayes",
    "tpe": "bayes",
    "multivariate-tpe": "bayes",
    "cmaes": "bayes",
}
"""What Katib's algorithms are called here."""

_ALGORITHMS = {
    "hyperband": "it gives its trials another budget as it goes: look at `method: halving`",
    "pbt": "its trials change their hyperparameters while they train",
    "enas": "it searches for networks, not for hyperparameters",
    "darts": "it searches for networks, not for hyperparameters",
}
REFUSED: dict[KeyPath, tuple[str, str]] = {
    (*_SPEC, "earlyStopping"): (
        "Katib's rule has no equivalent",
        "delete it: every trial then trains to its end; `early_stopping` is Vertex AI's",
    ),
    (*_SPEC, "nasConfig"): ("a sweep is over hyperparameters, not over networks", "delete it"),
}
"""What a sweep cannot honour: why, and what to write instead."""

_LEFT_OUT: dict[KeyPath, tuple[str, str]] = {
    (*_SPEC, "objective", "goal"): (
        "no-equivalent",
        "left out: the sweep goes on when it is reached",
    ),
    (*_SPEC, "objective", "additionalMetricNames"): (
        "look",
        "whatever `metrics.json` holds is kept with a trial",
    ),
    (*_SPEC, "objective", "metricStrategies"): (
        "changed",
        "the last value counts, as `metrics.json` says it",
    ),
    (*_SPEC, "metricsCollectorSpec"): ("changed", "left out: the metric is in `metrics.json`"),
    (*_SPEC, "resumePolicy"): ("no-equivalent", "left out: a run has an end"),
    (*_SPEC, "algorithm", "algorithmSettings"): (
        "changed",
        "left out: they belong to Katib's optimizer",
    ),
}
_NORMAL = frozenset({"normal", "logNormal"})


def read(sources: Sequence[Source], options: Options) -> list[Imported]:
    """Turn each experiment into a spec."""
    del options
    return [
        read_file(each.file, "an experiment of Katib", ("kind", "spec"), _fill) for each in sources
    ]


def _fill(search: Search) -> str:
    """Set the keys of the sweep and return the name of the pipeline."""
    if not search.text(("apiVersion",)).endswith("/v1beta1"):
        search.refuse(("apiVersion",), "only `kubeflow.org/v1beta1` is read")
    search.report(REFUSED, _LEFT_OUT)
    search.sweep["type"] = "sweep"
    names = fill_trial(search)
    search.todo("machine", search.sweep.get("machine") or CommentedMap(type=MACHINE), "look at it")
    _objective(search)
    method = _algorithm(search)
    _counts(search, method)
    _parameters(search, method, names)
    return search.text(("metadata", "name"))


def _objective(search: Search) -> None:
    path = (*_SPEC, "objective")
    name, goal = search.text((*path, "objectiveMetricName")), search.text((*path, "type"))
    if not name or goal not in {"minimize", "maximize"}:
        message = "it has no `objectiveMetricName`, or no `type: minimize` or `maximize`"
        search.broken(path, message)
        return
    search.sweep["metric"] = CommentedMap(name=literal(name), goal=goal)
    message = "read from the `metrics.json` that a trial writes, not from its log"
    search.add(
        "changed", (*path, "objectiveMetricName"), message, "write it there under the same name"
    )


def _algorithm(search: Search) -> str:
    path = (*_SPEC, "algorithm", "algorithmName")
    name = search.text(path)
    if name in _METHODS:
        method = _METHODS[name]
        if method == "bayes":
            message = f"Vertex AI chooses the trials by its own model of the results, not by {name}"
            remedy = "the program reports the metric with Google's hypertune library"
            search.add("changed", path, message, remedy)
        return method
    if name in _ALGORITHMS:
        search.refuse(path, f"`{name}` has no equivalent: {_ALGORITHMS[name]}", "use `random`")
    else:
        known = ", ".join(f"`{each}`" for each in _METHODS)
        search.refuse(path, "an algorithm of another suggestion service", f"use one of {known}")
    return "random"


def _counts(search: Search, method: str) -> None:
    if method != "grid":
        search.sweep["method"] = method
    most, together = (*_SPEC, "maxTrialCount"), (*_SPEC, "parallelTrialCount")
    if method != "grid" and search.root.find(most):
        search.sweep["trials"] = numeric(search, most, whole=True)
    elif method != "grid":
        search.todo("trials", TRIALS, "Katib goes on until the goal is reached")
        message = f"Katib has no end without `maxTrialCount`, the spec tries {TRIALS} times"
        search.add("changed", _SPEC, message, "change `trials`")
    search.sweep["parallel"] = (
        numeric(search, together, whole=True) if search.root.find(together) else 3
    )
    _failures(search)


def _failures(search: Search) -> None:
    """Set how many failed trials fail the sweep: one more than Katib lets pass."""
    path = (*_SPEC, "maxFailedTrialCount")
    passed = numeric(search, path, whole=True) if search.root.find(path) else None
    if passed is not None:
        search.sweep["max_failed_trials"] = int(passed) + 1
        if search.sweep.get("method") != "bayes":
            search.add("changed", path, "one more fails the sweep, when all trials have ended")


def _parameters(search: Search, method: str, names: dict[str, str] | None) -> None:
    """Set the hyperparameters under the names that the program knows them by."""
    made = CommentedMap()
    path = (*_SPEC, "parameters")
    for at, _ in enumerate(search.items(path)):
        name = search.text((*path, at, "name"))
        if names is not None and name not in names:
            message = f"no argument of the program is `{name}`"
            search.refuse((*path, at, "name"), message, "write `--name=${trialParameters.NAME}`")
            continue
        space = _space(search, (*path, at), method)
        if space is not None:
            made[names[name] if names else name] = CommentedMap(space)
    if not search.items(path) and not search.root.find((*_SPEC, "nasConfig")):
        search.broken(_SPEC, "it has no `parameters`")
    made.block_style = True
    search.sweep["parameters"] = made
    whole_grid(search, method, made, (*_SPEC, "maxTrialCount"), "random")


def _space(search: Search, path: KeyPath, method: str) -> dict[str, Any] | None:
    """Return the values or the range of one hyperparameter; None, with a remark, for any other."""
    kind = search.text((*path, "parameterType"))
    feasible = (*path, "feasibleSpace")
    if kind in {"categorical", "discrete"}:
        return _listed(search, (*feasible, "list"))
    if kind not in {"int", "double"}:
        search.broken((*path, "parameterType"), "it is `int`, `double`, `discrete`, `categorical`")
        return None
    distribution = search.text((*feasible, "distribution"))
    if distribution in _NORMAL:
        message = f"`{distribution}` has no equivalent: a range is drawn from evenly, or by `log`"
        search.refuse((*feasible, "distribution"), message, "write `uniform` or `logUniform`")
        return None
    made = span(
        search, feasible, ("min", "max"), whole=kind == "int", log=distribution == "logUniform"
    )
    return _stepped(search, feasible, made, kind, method) if made else None


def _listed(search: Search, path: KeyPath) -> dict[str, Any] | None:
    """Return the values of a list, as the texts that Katib puts into the command."""
    values = [
        literal(str(each.raw or each.value)) if not each.quoted else literal(each.value)
        for each in search.items(path)
    ]
    if not values:
        search.broken(path, "it has no values")
        return None
    return {"values": values}


def _stepped(
    search: Search, path: KeyPath, made: dict[str, Any], kind: str, method: str
) -> dict[str, Any] | None:
    """Return a range for a search that draws, its values for a grid."""
    given = (*path, "step")
    step = numeric(search, given, whole=kind == "int") if search.root.find(given) else None
    if step is not None and step <= 0:
        search.broken(given, "it is not above 0")
        return None
    if method == "grid" and step is None and kind == "double":
        search.broken(path, "a grid over numbers needs `step`", "add `step`, or use `random`")
        return None
    if method == "grid":
        return counted(search, path, made, step or 1)
    if step is None or "values" in made or (method != "random" and kind == "int" and step == 1):
        return made
    if method == "sobol":
        message = "what Katib makes of a Sobol sequence and steps is not known"
        search.refuse(given, message, "delete it, or use `random`")
        return None
    if key := off_step(made, step):
        message = (
            f"it is not a multiple of `step`, {step:g}: Katib's steps begin at 0, ours at `min`"
        )
        search.refuse((*path, key), message, "change it to one, or list the numbers as `discrete`")
        return None
    return {**made, "step": step}
