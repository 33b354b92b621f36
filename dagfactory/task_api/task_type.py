"""Kinds of tasks: what a module of `dagfactory.tasks` says about its type, with defaults for the rest.

A task module defines `MODEL` and `lower(task, scope, place)`; it may define `outputs`, `roots`, `branches`,
`members` and `problems` with the signatures of the methods below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Group, Operator
    from dagfactory.document.finding import Problem
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase
    from dagfactory.task_api.context import Place, Scope


Branch: TypeAlias = tuple[tuple[str | int, ...], str]
"""A task that another leads to: the path of its name below the task, and its id."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One task type, served by one module."""

    module: ModuleType

    def lower(self, task: TaskBase, scope: Scope, place: Place) -> Operator | Group:
        """Return the operator call (or group of them) that a task stands for."""
        made: Operator | Group = self.module.lower(task, scope, place)
        return made

    def outputs(self, task: TaskBase, place: Place) -> Mapping[str, Any]:
        """Return what `${tasks.ID.…}` offers: name → text for Airflow, or a mapping of parts."""
        made: Mapping[str, Any] = self._call("outputs", {}, task, place)
        return made

    def roots(self, task: TaskBase, place: Place) -> tuple[str, ...]:
        """Return the Airflow ids of the tasks that start this one (more than one for a group)."""
        made: tuple[str, ...] = self._call("roots", (place.airflow_id,), task, place)
        return made

    def branches(self, task: TaskBase) -> Iterable[Branch]:
        """Return the tasks this one leads to, each with its path below the task."""
        made: Iterable[Branch] = self._call("branches", (), task)
        return made

    def members(self, task: TaskBase) -> Mapping[str, TaskBase]:
        """Return the tasks inside this one."""
        made: Mapping[str, TaskBase] = self._call("members", {}, task)
        return made

    def problems(
        self, task: TaskBase, pipeline: Pipeline, environment: EnvironmentFile | None
    ) -> Iterable[Problem]:
        """Return what is wrong with the task beyond its fields, with paths below the task."""
        made: Iterable[Problem] = self._call("problems", (), task, pipeline, environment)
        return made

    def _call(self, name: str, default: Any, *arguments: Any) -> Any:
        """Call the module's own function, or return the default when it has none."""
        function = vars(self.module).get(name)  # getattr for what is not there is slow on modules
        return function(*arguments) if function else default


@cache
def kind_of(type_name: str) -> Kind:
    """Return the kind of a known task type."""
    return Kind(import_module(f"dagfactory.tasks.{type_name}"))
