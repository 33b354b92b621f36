"""The trial of a Katib experiment: the container that it runs, and where its hyperparameters go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagfactory.importers._container import fill_command, fill_variables, words
from dagfactory.importers._search import MACHINE, Search, literal
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_TEMPLATE = ("spec", "trialTemplate")
_TRIAL = (*_TEMPLATE, "trialSpec")
_HOLE = re.compile(r"\$\{trialParameters\.([^}]*)\}")
_MACRO = re.compile(r"\$\{trial[A-Z][^}]*\}")
_NAME = re.compile(r"--([A-Za-z_][A-Za-z0-9_.-]*)")
_POD: dict[str, KeyPath] = {
    "Job": ("spec", "template", "spec"),
    "PyTorchJob": ("spec", "pytorchReplicaSpecs", "Master", "template", "spec"),
    "TFJob": ("spec", "tfReplicaSpecs", "Worker", "template", "spec"),
    "XGBoostJob": ("spec", "xgbReplicaSpecs", "Master", "template", "spec"),
}
"""Where each kind of trial has its first pod."""
_WORKERS = {
    "PyTorchJob": ("spec", "pytorchReplicaSpecs", "Worker", "replicas"),
    "XGBoostJob": ("spec", "xgbReplicaSpecs", "Worker", "replicas"),
}
_OF_CLUSTER = frozenset({"volumeMounts", "envFrom", "lifecycle", "securityContext"})


def fill_trial(search: Search) -> dict[str, str] | None:
    """Set what the job runs; return the arguments of the program by the hyperparameters they get.

    None, with a remark, where the trial cannot be read.
    """
    if search.root.find((*_TEMPLATE, "configMap")):
        message = "the trial is in a ConfigMap of the cluster"
        search.refuse((*_TEMPLATE, "configMap"), message, "write it out as `trialSpec`")
        return None
    pod = _pod(search)
    container = _container(search, pod) if pod else None
    if container is None:
        return None
    image = search.text((*container, "image"))
    if not image:
        search.broken(container, "it has no `image`")
    search.sweep["image"] = literal(image)
    _surroundings(search, container)
    return _arguments(search, container)


def _pod(search: Search) -> KeyPath | None:
    """Return the place of the trial's pod; None, with a remark, for a kind of job that is not read."""
    kind = search.text((*_TRIAL, "kind"))
    if kind not in _POD:
        known = ", ".join(f"`{each}`" for each in _POD)
        place = (*_TRIAL, "kind") if kind else _TEMPLATE
        message = f"a trial of kind `{kind}` is not read" if kind else "it has no `trialSpec`"
        search.refuse(place, message, f"write one of {known}")
        return None
    workers = _WORKERS.get(kind)
    count = search.value((*_TRIAL, *workers)) if workers else None
    if isinstance(count, int):
        search.sweep["machine"] = CommentedMap(type=MACHINE, replicas=count + 1)
        message = "the workers run what the first one runs; Vertex AI says who is who its own way"
        search.add("changed", (*_TRIAL, *(workers or ())), message)
    return (*_TRIAL, *_POD[kind])


def _container(search: Search, pod: KeyPath) -> KeyPath | None:
    """Return the place of the container that trains."""
    path = (*pod, "containers")
    wanted = search.text((*_TEMPLATE, "primaryContainerName"))
    count = len(search.items(path))
    named = [at for at in range(count) if search.text((*path, at, "name")) == wanted]
    if not count or (wanted and not named):
        message = f"no container is `{wanted}`" if count else "the trial has no `containers`"
        search.broken(path if count else _TEMPLATE, message)
        return None
    if count > 1:
        search.refuse(path, "a job runs one container", "keep the one that trains")
    for key in ("volumes", "initContainers"):
        if search.root.find((*pod, key)):
            search.refuse((*pod, key), "a job has no volumes and no other containers", "delete it")
    return (*path, (named or [0])[0])


def _surroundings(search: Search, container: KeyPath) -> None:
    """Set the variables, and say what a job has no place for."""
    env = (*container, "env")
    for at, _ in enumerate(search.items(env)):
        if _MACRO.search(search.text((*env, at, "value"))):
            message = "what the cluster fills in is an argument here, not a variable"
            search.refuse((*env, at, "value"), message, "write it into the command")
    fill_variables(search, env)
    for key in search.fields(container):
        if key in _OF_CLUSTER:
            search.refuse((*container, key), "it is of the cluster", "delete it")
    message = "the cluster chose a machine by these; Vertex AI runs a whole machine"
    if search.root.find((*container, "resources")):
        search.add("changed", (*container, "resources"), message, "choose `machine`")


def _arguments(search: Search, container: KeyPath) -> dict[str, str]:
    """Set the command without the words of hyperparameters; return the names of those."""
    references = _references(search)
    names: dict[str, str] = {}
    parts = {}
    for key in ("command", "args"):
        path = (*container, key)
        left: list[str] = []
        given = words(search, path)
        for at, word in enumerate(given):
            name = _argument(search, (*path, at), word, left)
            if name is not None:
                hole = _HOLE.search(word)
                reference = references.get(hole[1], hole[1]) if hole else ""
                names[reference] = name
            elif not _MACRO.search(word):
                left.append(word)
        parts[key] = left
    fill_command(search, (*container, "args"), parts["command"], parts["args"])
    return names


def _references(search: Search) -> dict[str, str]:
    """Return the hyperparameters by the names that the template calls them."""
    path = (*_TEMPLATE, "trialParameters")
    return {
        search.text((*path, at, "name")): search.text((*path, at, "reference"))
        for at, _ in enumerate(search.items(path))
    }


def _argument(search: Search, path: KeyPath, word: str, before: list[str]) -> str | None:
    """Return the name of an argument that gets a hyperparameter, None for any other word."""
    if not _MACRO.search(word):
        return None
    flag, _, value = word.partition("=")
    name = _NAME.fullmatch(flag)
    if name and _HOLE.fullmatch(value):
        return name[1]
    last = _NAME.fullmatch(before[-1]) if before else None
    if last and _HOLE.fullmatch(word):
        before.pop()
        search.add("form", path, f"`--{last[1]} VALUE` becomes `--{last[1]}=VALUE`")
        return last[1]
    message = "a hyperparameter is an argument of its own here"
    if not _HOLE.search(word):
        message = "it stands for something of the cluster"
    search.refuse(path, message, "write `--name=${trialParameters.NAME}`")
    return None
