"""What specs ask of an environment: kinds of calls, secrets, buckets, connections, variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dagfactory.language.job import JobTask

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.task import TaskBase

KINDS: dict[str, tuple[str, ...]] = {
    "upload_model": ("upload_model",),
    "pipeline": ("pipeline", "objects"),
    "promote": ("promote",),
    "deploy": ("deploy",),
    "batch_predict": ("batch_predict",),
    "bigquery": ("query", "query.write"),
    "bigquery_to_gcs": ("export", "objects"),
    "gcs_to_bigquery": ("load", "objects"),
    "wait_for_bigquery": ("table.wait",),
    "dataflow": ("dataflow",),
    "gcs_copy": ("objects",),
    "gcs_delete": ("objects",),
    "wait_for_gcs": ("objects",),
    "validate_checkpoint": ("objects",),
}
"""Kinds of calls by the types of tasks that make just these."""

_BUCKET = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,221}[a-z0-9])(?=/|$|[\s\"'])")
_VARIABLE = re.compile(r"\bvar\.(?:value|json)\.(?:get\(\s*['\"])?([A-Za-z_]\w*)")
_CONNECTION = re.compile(r"\bconn\.(?:get\(\s*['\"])?([A-Za-z_]\w*)")


class SecretName(NamedTuple):
    """A secret of Secret Manager: its project and its id."""

    project: str
    id: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What all specs together ask of an environment, each list in order."""

    kinds: tuple[str, ...]
    secrets: tuple[SecretName, ...]
    buckets: tuple[str, ...]
    connections: tuple[str, ...]
    variables: tuple[str, ...]
    unknown: tuple[str, ...]
    """Tasks of which nobody knows what they call, as `PIPELINE.TASK`."""


def needs(plans: Iterable[Plan], environment: EnvironmentFile) -> Needs:
    """Return what plans for an environment ask of it."""
    every = list(plans)
    tasks = [item.task for plan in every for item in plan.tasks.values()]
    texts = [text for plan in every for text in _texts(plan)]
    kinds = {kind for task in tasks for kind in _kinds(task)} | {"secrets"}
    return Needs(
        tuple(sorted(kinds)),
        tuple(sorted(set(_secrets(tasks, environment.project)))),
        tuple(sorted({environment.bucket.removeprefix("gs://"), *_found(_BUCKET, texts)})),
        tuple(sorted({*_connections(every), *_found(_CONNECTION, texts)})),
        tuple(sorted(set(_found(_VARIABLE, texts)))),
        tuple(
            f"{plan.pipeline.pipeline}.{item.id}"
            for plan in every
            for item in plan.tasks.values()
            if getattr(item.task, "type", "") == "operator"
        ),
    )


def _kinds(task: TaskBase) -> Iterator[str]:
    """Yield the kinds of calls that a task makes."""
    kind = getattr(task, "type", "")
    yield from KINDS.get(kind, ())
    if isinstance(task, JobTask):
        yield from ("objects", "sweep.bayes" if getattr(task, "method", "") == "bayes" else "train")
    if kind == "gate":
        yield "query" if getattr(task, "query", None) else "objects"
        if any(source.model for source in getattr(task, "sources", {}).values()):
            yield "gate.model"
    if kind == "kubernetes" and getattr(task, "cluster", None):
        yield f"gke.{getattr(task, 'run_as', 'pod')}"


def _secrets(tasks: Iterable[TaskBase], project: str) -> Iterator[SecretName]:
    """Yield the secrets that jobs read."""
    for task in tasks:
        for name in task.secrets.values() if isinstance(task, JobTask) else ():
            parts = name.split("/")
            full = len(parts) > 1
            yield SecretName(parts[1] if full else project, parts[3] if full else name)


def _connections(plans: Iterable[Plan]) -> Iterator[str]:
    """Yield what stands under `connection`, in tasks and alerts."""
    for plan in plans:
        for path, node in plan.node.walk(()):
            if path[-1:] == ("connection",) and isinstance(node.value, str):
                yield node.value


def _texts(plan: Plan) -> Iterator[str]:
    fields: dict[str, Any] = plan.node.value if isinstance(plan.node.value, dict) else {}
    for key, child in fields.items():
        # patches for other environments are no part of this one
        if key not in {"environments", "vars"}:
            yield from (node.value for _, node in child.walk((key,)) if isinstance(node.value, str))


def _found(pattern: re.Pattern[str], texts: Iterable[str]) -> Iterator[str]:
    return (name for text in texts for name in pattern.findall(text))
