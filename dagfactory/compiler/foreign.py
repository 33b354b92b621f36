"""Files that are mappings and not pipelines: what each is, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dagfactory.compiler.validate.messages import not_a_mapping
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.wording import closest, shorten
from dagfactory.language.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Collection

    from dagfactory.document.node import Node

__all__ = ["foreign_kind", "not_a_mapping", "other_file"]

_DAG_FACTORY = {"tasks", "task_groups", "default_args"}
"""What stands below a DAG's name, or below `default`, in a file of astronomer/dag-factory."""

_FAR = 3
"""How many letters more or fewer no misspelling has."""

_IMPORT = "turn it into specs: `dagfactory import FILE --out specs`"


class Kind(NamedTuple):
    """A kind of file: what to call it, the keys that it has, and those of which it has one.

    `format` is what `dagfactory import --from` calls it, empty where there is no importer.
    """

    name: str
    every: frozenset[str]
    one: frozenset[str] = frozenset()
    format: str = ""


def _kind(name: str, every: str, one: str = "", format_: str = "") -> Kind:
    return Kind(name, frozenset(every.split()), frozenset(one.split()), format_)


KINDS = (
    _kind("a workflow of GitHub Actions", "jobs on"),
    _kind("an action of GitHub Actions", "runs name"),
    _kind("a W&B sweep", "method parameters", format_="wandb"),
    _kind("a W&B sweep", "program parameters", format_="wandb"),
    _kind("a hyperparameter tuning job of Vertex AI", "studySpec", format_="vertex-hpt"),
    _kind("a job of Vertex AI", "", "jobSpec workerPoolSpecs trialJobSpec"),
    _kind("a compiled pipeline of Vertex AI or Kubeflow", "pipelineInfo"),
    _kind("a compiled pipeline of Vertex AI or Kubeflow", "pipelineSpec"),
    _kind("an experiment of Determined", "searcher", "entrypoint hyperparameters"),
    _kind("a cluster of Ray", "cluster_name", "provider head_node_type available_node_types"),
    _kind("a template of CloudFormation", "Resources"),
    _kind("a build of Cloud Build", "steps", "images substitutions options timeout serviceAccount"),
    _kind("a file of Docker Compose", "services"),
    _kind("a configuration of pre-commit", "repos"),
    _kind("an API described by OpenAPI", "", "openapi swagger"),
    _kind("an environment of conda", "dependencies", "channels prefix"),
    _kind("a site of MkDocs", "site_name"),
    _kind("a pipeline of DVC or GitLab", "stages"),
    _kind("a playbook of Ansible", "hosts"),
)
"""Files that people have beside their specs, the surest first; Kubernetes' say themselves what they are."""


_KATIB = Kind("an experiment of Katib", frozenset(), format="katib")


def foreign_kind(node: Node) -> str | None:
    """Return what a file of another tool is, with the article, or None."""
    found = _found(node)
    return found.name if found else None


def import_format(node: Node) -> str | None:
    """Return what `dagfactory import --from` calls a file of another tool, or None."""
    found = _found(node)
    return found.format or None if found else None


def _found(node: Node) -> Kind | None:
    value = node.value
    if isinstance(value, tuple):
        value = value[0].value if value else None
    if not isinstance(value, dict):
        return None
    if {"apiVersion", "kind"} <= value.keys() and not _of_wandb(value):
        return _of_kubernetes(value)
    found = (each for each in KINDS if each.every <= value.keys())
    return next((each for each in found if not each.one or each.one & value.keys()), None)


def _of_wandb(value: dict[str, Node]) -> bool:
    # its sweep files may say `apiVersion` and `kind: sweep`
    return str(value["kind"].value) == "sweep"


def _of_kubernetes(value: dict[str, Node]) -> Kind:
    kind, version = str(value["kind"].value), str(value["apiVersion"].value)
    if kind == "Experiment" and version.startswith("kubeflow.org/"):
        return _KATIB
    return Kind(f"a `{shorten(kind)}` of Kubernetes", frozenset())


def other_file(node: Node) -> Diagnostic | None:
    """Return the one thing to say about a mapping that is another kind of file than a pipeline."""
    value = node.value if isinstance(node.value, dict) else {}
    environment = {"environment", "project"} <= set(value)
    if not value or (_misspelt("pipeline", value) and not environment):
        return None
    if "tasks" in value:
        return None if "pipeline" in value else _with_tasks(node, value)
    if _misspelt("tasks", value) or ("pipeline" in value and not environment):
        return None
    lacks, remedy = "it has neither `pipeline` nor `tasks`", "start with `pipeline: my_pipeline`"
    if environment:
        lacks, remedy = "it is an environment", "check a spec for it with `--env`"
    elif set(value) <= set(Pipeline.model_fields):
        remedy += "; a `defaults.yaml` is checked with the specs beside it"
    elif kind := _found(node):
        lacks = f"it looks like {kind.name}"
        remedy = _IMPORT if kind.format else "name the files that are specs"
    elif any(_DAG_FACTORY & set(each.keys) for each in value.values()):
        lacks, remedy = "it looks like one of dag-factory", _IMPORT
    return Diagnostic("DF121", f"this file is not a pipeline: {lacks}", node.span_of(("",)), remedy)


def _misspelt(key: str, given: Collection[str]) -> bool:
    """Return whether a key that is absent stands there in another spelling."""
    others = [each for each in given if each not in Pipeline.model_fields]
    return key not in given and any(
        abs(len(each) - len(key)) < _FAR for each in closest(key, others)
    )


def _with_tasks(node: Node, value: dict[str, Node]) -> Diagnostic | None:
    """Return the same for a file with tasks that are not those of a pipeline, which it does not name."""
    strange = [f"`{shorten(each)}`" for each in value if each not in Pipeline.model_fields]
    listed = isinstance(value["tasks"].value, tuple)
    if not listed and len(strange) <= len(value) - len(strange):
        return None
    found = (
        "its `tasks` are a list" if listed else f"{' and '.join(strange[:2])} are no keys of one"
    )
    found = found if listed or len(strange) > 1 else f"{strange[0]} is no key of one"
    lacks = f"it has no `pipeline`, and {found}"
    remedy = "start with `pipeline: my_pipeline`, and write `tasks` as a mapping by id"
    return Diagnostic("DF121", f"this file is not a pipeline: {lacks}", node.span_of(("",)), remedy)
