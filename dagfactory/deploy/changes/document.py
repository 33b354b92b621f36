"""A pipeline's plan as it lies in a bundle or at a destination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

_STRICT = ConfigDict(strict=True)


@dataclass(frozen=True, slots=True)
class Document:
    """A resolved pipeline: its own keys, its tasks by id with their groups, and what follows from them.

    `airflow` has the tasks that Airflow knows, each with how often it runs, None where only a run knows;
    `spec` is the pipeline as it was read.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: frozenset[tuple[str, str]] = frozenset()
    airflow: dict[str, int | None] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict, compare=False)


class _Pipeline(BaseModel):
    model_config = _STRICT
    format: Literal[1]
    spec: dict[str, Any]
    edges: dict[str, list[str]]
    airflow: dict[str, int | None]


class _Environment(BaseModel):
    model_config = _STRICT
    format: Literal[1]
    environment: dict[str, Any]


def read_pipeline(content: bytes) -> Document | None:
    """Read a pipeline's plan; None for what is not one of this format."""
    # whoever may write to the bucket may have written this file
    try:
        found = _Pipeline.model_validate_json(content)
        tasks = dict(_tasks(found.spec.get("tasks", {}), ""))
    except (ValidationError, RecursionError, AttributeError):
        return None
    settings = {key: value for key, value in found.spec.items() if key != "tasks"}
    edges = {(before, after) for after, all_before in found.edges.items() for before in all_before}
    return Document(settings, tasks, frozenset(edges), found.airflow, found.spec)


def read_environment(content: bytes) -> dict[str, Any] | None:
    """Read an environment's plan; None for what is not one of this format."""
    try:
        return _Environment.model_validate_json(content).environment
    except (ValidationError, RecursionError):
        return None


def _tasks(tasks: dict[str, Any], above: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every task without those inside it, under its id with its groups before it."""
    for name, task in tasks.items():
        inner = task.get("tasks", {}) if task.get("type") == "group" else {}
        yield f"{above}{name}", {key: value for key, value in task.items() if value is not inner}
        yield from _tasks(inner, f"{above}{name}.")
