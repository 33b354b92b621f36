"""W&B's sweep files: https://docs.wandb.ai/models/sweeps/sweep-config-keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dagfactory.importers import Imported, Options, Source
from dagfactory.importers._search import IMAGE, MACHINE, TRIALS, Search, literal, read_file
from dagfactory.importers._wandb_command import fill_program
from dagfactory.importers._wandb_parameters import fill_parameters
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_METHODS = frozenset({"grid", "random", "bayes"})
_GOALS = frozenset({"minimize", "maximize"})
_SCHEDULER = "another optimizer chooses the trials"
REFUSED: dict[KeyPath, tuple[str, str]] = {
    ("early_terminate",): (
        "W&B's bands stop trials by what they log, and no sweep here does the same",
        "delete it: every trial then trains to its end; `method: halving` is the nearest of ours",
    ),
    ("metrics",): ("a sweep has one metric", "write `metric` with the one that decides"),
    ("scheduler",): (_SCHEDULER, "delete it, and use `method: random` or `bayes`"),
    ("job",): (
        "a job of W&B Launch is not a program that can be run here",
        "write `program` and `image_uri`",
    ),
}
"""What a sweep cannot honour: why, and what to write instead."""

_LEFT_OUT: dict[KeyPath, tuple[str, str]] = {
    ("metric", "target"): ("no-equivalent", "left out: the sweep goes on when it is reached"),
    ("metric", "impute"): (
        "look",
        "a trial that failed cannot win here, whatever is put in for it",
    ),
    ("metric", "impute_while_running"): ("look", "Vertex AI reads the last value that is reported"),
    ("controller",): ("ignored", "Airflow controls the sweep"),
}
_WITHOUT_MEANING = frozenset({"apiVersion", "kind", "name", "program"})
_KNOWN = frozenset(
    [
        "method",
        "metric",
        "parameters",
        "command",
        "run_cap",
        "description",
        "project",
        "entity",
        "image_uri",
    ]
)


def read(sources: Sequence[Source], options: Options) -> list[Imported]:
    """Turn each sweep file into a spec."""
    del options
    return [
        read_file(each.file, "a W&B sweep", ("method", "parameters"), _fill) for each in sources
    ]


def _fill(search: Search) -> str:
    """Set the keys of the sweep and return the name of the pipeline."""
    search.report(REFUSED, _LEFT_OUT)
    _unknown_keys(search)
    search.sweep["type"] = "sweep"
    _surroundings(search)
    style = fill_program(search)
    _metric(search)
    method = _method(search)
    if style == "hydra" and method == "bayes":
        message = "Vertex AI writes the arguments of `method: bayes` as `--name=value`"
        search.refuse(("command",), message, "use `method: random`, or `${args}`")
    fill_parameters(search, method, style)
    return search.text(("name",))


def _unknown_keys(search: Search) -> None:
    known = {*_KNOWN, *_WITHOUT_MEANING, *(path[0] for path in (*REFUSED, *_LEFT_OUT))}
    for key in search.fields(()):
        if key not in known:
            search.add("ignored", (key,), "W&B has no such key")


def _surroundings(search: Search) -> None:
    """Set what runs the program, and what W&B's library finds in its environment."""
    if search.text(("description",)).strip():
        search.sweep["doc"] = literal(search.text(("description",)))
    image = search.text(("image_uri",))
    if image:
        search.sweep["image"] = literal(image)
    else:
        search.todo("image", IMAGE, "the image that the program needs")
        search.add("look", ("method",), "W&B names no image and no machine: look at both")
    search.todo("machine", CommentedMap(type=MACHINE), "the machine that it needs")
    names = {"WANDB_PROJECT": "project", "WANDB_ENTITY": "entity"}
    env = {name: literal(search.text((key,))) for name, key in names.items() if search.text((key,))}
    if env:
        search.sweep["env"] = CommentedMap(env)
        message = "kept for W&B's library as a variable; the key to log in is a secret"
        remedy = "`secrets: {WANDB_API_KEY: ID}` if the program logs there"
        search.add("form", ("project",) if "WANDB_PROJECT" in env else ("entity",), message, remedy)


def _metric(search: Search) -> None:
    fields = search.fields(("metric",))
    name, goal = search.text(("metric", "name")), search.text(("metric", "goal")) or "minimize"
    if not name:
        reason = "a sweep here ends with the best trial, so it needs a metric"
        path = ("metric",) if fields else ("method",)
        search.refuse(path, reason, "add `metric: {name: NAME, goal: minimize}`")
        return
    if goal not in _GOALS:
        search.broken(("metric", "goal"), "it is `minimize` or `maximize`")
    search.sweep["metric"] = CommentedMap(name=literal(name), goal=goal)
    message = "read from the `metrics.json` that a trial writes, not from what it logs to W&B"
    search.add("changed", ("metric", "name"), message, "write it there under the same name")


def _method(search: Search) -> str:
    method = search.text(("method",))
    if method == "custom":
        search.refuse(("method",), _SCHEDULER, "use `random` or `bayes`")
    elif method not in _METHODS:
        search.broken(("method",), "it is `grid`, `random`, `bayes` or `custom`")
    elif method != "grid":
        search.sweep["method"] = method
        _trials(search, method)
    return method


def _trials(search: Search, method: str) -> None:
    """Set how many trials a search has that has no end of its own."""
    if method == "bayes":
        message = "Vertex AI chooses the trials by its own model of the results, not W&B's"
        remedy = "the program reports the metric with Google's hypertune library"
        search.add("changed", ("method",), message, remedy)
    cap = search.value(("run_cap",))
    if isinstance(cap, int) and cap > 0:
        search.sweep["trials"] = cap
    elif cap is not None:
        search.broken(("run_cap",), "it is not a whole number above 0")
    else:
        search.todo("trials", TRIALS, "W&B goes on until it is stopped")
        message = f"W&B tries until it is stopped without `run_cap`, the spec {TRIALS} times"
        search.add("changed", ("method",), message, "change `trials`")
