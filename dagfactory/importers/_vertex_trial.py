"""The trial of a tuning job of Vertex AI: machines, container or package, and how the job is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.importers._container import fill_command, fill_variables, named, words
from dagfactory.importers._ranges import numeric
from dagfactory.importers._search import Search, literal
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_TRIAL = ("trialJobSpec",)
_POOLS = (*_TRIAL, "workerPoolSpecs")
_FIRST = (*_POOLS, 0)
_TEXTS: dict[KeyPath, str] = {
    (*_TRIAL, "serviceAccount"): "service_account",
    (*_TRIAL, "network"): "network",
    (*_TRIAL, "tensorboard"): "tensorboard",
    (*_TRIAL, "persistentResourceId"): "persistent_resource",
    ("encryptionSpec", "kmsKeyName"): "kms_key",
}
_FLAGS: dict[KeyPath, str] = {
    (*_TRIAL, "enableWebAccess"): "enable_web_access",
}
_LEFT_OUT: dict[KeyPath, tuple[str, str]] = {
    (*_TRIAL, "baseOutputDirectory"): ("changed", "left out: each run has a folder of its own"),
    (*_TRIAL, "enableDashboardAccess"): ("no-equivalent", "left out"),
    (*_TRIAL, "reservedIpRanges"): ("no-equivalent", "left out"),
}
_STRATEGIES = {"": "", "STANDARD": "", "ON_DEMAND": "", "SPOT": "spot", "FLEX_START": "flex_start"}


def fill_trial(search: Search) -> None:
    """Set what the job runs, on what, and how."""
    if not search.items(_POOLS):
        place = _TRIAL if search.root.find(_TRIAL) else ("studySpec",)
        search.broken(place, "it has no `trialJobSpec` with `workerPoolSpecs`")
        return
    search.report({}, _LEFT_OUT)
    search.sweep["machine"] = _machine(search)
    if search.root.find((*_FIRST, "pythonPackageSpec")):
        _package(search, (*_FIRST, "pythonPackageSpec"))
    else:
        _container(search, (*_FIRST, "containerSpec"))
    for path, key in {**_TEXTS, **_FLAGS}.items():
        if search.root.find(path):
            search.sweep[key] = literal(search.value(path))
    _labels(search)
    _scheduling(search)


def _container(search: Search, path: KeyPath) -> None:
    image = search.text((*path, "imageUri"))
    if not image:
        search.broken(_FIRST, "it has no `containerSpec` with `imageUri`")
        return
    search.sweep["image"] = literal(image)
    given = (*path, "args")
    fill_command(search, given, words(search, (*path, "command")), words(search, given))
    fill_variables(search, (*path, "env"))


def _package(search: Search, path: KeyPath) -> None:
    search.sweep["image"] = literal(search.text((*path, "executorImageUri")))
    search.sweep["package"] = [literal(each) for each in words(search, (*path, "packageUris"))]
    search.sweep["module"] = literal(search.text((*path, "pythonModule")))
    given = named(words(search, (*path, "args")))
    if given is None:
        message = "arguments of a package are `--name=value` here"
        search.refuse((*path, "args"), message, "write them so")
    elif given:
        search.sweep["args"] = CommentedMap({key: literal(each) for key, each in given.items()})
    fill_variables(search, (*path, "env"))


def _machine(search: Search) -> CommentedMap:
    """Return the machines of all pools, which have to be alike."""
    spec = (*_FIRST, "machineSpec")
    made = CommentedMap(type=search.text((*spec, "machineType")))
    if not made["type"]:
        search.broken(_FIRST, "it has no `machineSpec` with `machineType`")
    kind = search.text((*spec, "acceleratorType"))
    if kind:
        count = _replicas(search, (*spec, "acceleratorCount"))
        made["accelerator"] = CommentedMap(type=kind, count=count)
    replicas = sum(_pool(search, at) for at, _ in enumerate(search.items(_POOLS)))
    if replicas > 1:
        made["replicas"] = replicas
    made.update(_disk(search))
    return made


def _disk(search: Search) -> dict[str, Any]:
    path = (*_FIRST, "diskSpec")
    kind, size = search.text((*path, "bootDiskType")), search.value((*path, "bootDiskSizeGb"))
    made = ({"type": kind} if kind else {}) | ({"size_gb": size} if size else {})
    return {"disk": CommentedMap(made)} if made else {}


def _pool(search: Search, at: int) -> int:
    """Return how many machines a pool has; refuse one that is not like the first."""
    kinds = ("machineSpec", "containerSpec", "pythonPackageSpec")
    if any(search.value((*_POOLS, at, key)) != search.value((*_FIRST, key)) for key in kinds):
        message = "the machines of a job are alike, and run the same"
        search.refuse((*_POOLS, at), message, "give every pool the same `machineSpec`")
    return _replicas(search, (*_POOLS, at, "replicaCount"))


def _replicas(search: Search, path: KeyPath) -> int:
    found = numeric(search, path, whole=True) if search.root.find(path) else 1
    return int(found or 0)


def _labels(search: Search) -> None:
    labels = search.fields(("labels",))
    if labels:
        made = {name: literal(str(each.plain())) for name, each in labels.items()}
        search.sweep["labels"] = CommentedMap(made)


def _scheduling(search: Search) -> None:
    path = (*_TRIAL, "scheduling")
    strategy = search.text((*path, "strategy"))
    if strategy not in _STRATEGIES:
        search.refuse((*path, "strategy"), "it is not a way to buy machines that is read")
    elif _STRATEGIES[strategy]:
        search.sweep["machine"]["provisioning"] = _STRATEGIES[strategy]
    if search.text((*path, "timeout")):
        search.sweep["timeout"] = search.text((*path, "timeout"))
    restart = search.value((*path, "restartJobOnWorkerRestart"))
    # Vertex AI's default is false, and true here
    search.sweep["restart"] = restart is True
