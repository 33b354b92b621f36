"""What a module of `dagfactory.tasks` says about its type, with defaults for all but two things."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from dagfactory.language.task import TaskBase

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Group, Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

Task = TypeVar("Task", bound=TaskBase)

Branch: TypeAlias = "tuple[KeyPath, str]"
"""A task that another leads to: the path of its name below the task, and its id."""


def no_outputs(_task: TaskBase, _context: TaskContext) -> Mapping[str, Any]:
    """Offer nothing."""
    return {}


def own_root(_task: TaskBase, context: TaskContext) -> tuple[str, ...]:
    """Start with the task itself."""
    return (context.airflow_id,)


def no_branches(_task: TaskBase) -> Iterable[Branch]:
    """Lead nowhere."""
    return ()


def no_members(_task: TaskBase) -> Mapping[str, TaskBase]:
    """Hold no tasks."""
    return {}


def no_problems(
    _task: TaskBase, _pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterable[Diagnostic]:
    """Find nothing beyond what the model finds."""
    return ()


def no_files(_task: TaskBase, _pipeline: Pipeline) -> Mapping[str, bytes]:
    """Need no file of the bundle."""
    return {}


@dataclass(frozen=True, slots=True)
class TaskType(Generic[Task]):
    """One task type: the model of its keys, and what the compiler asks about a task of it.

    - `lower` returns the operator call, or the group of them, that a task stands for.
    - `outputs` returns what `${tasks.ID.…}` offers: name → text for Airflow, or a mapping of parts.
    - `roots` returns the Airflow ids of the tasks that start this one (several for a group).
    - `branches` returns the tasks this one leads to, each with its path below the task.
    - `members` returns the tasks inside this one.
    - `problems` returns what is wrong beyond the fields, with pointers below the task.
    - `files` returns what the task reads from the bundle when it runs, by the path in there.
    """

    model: type[Task]
    lower: Callable[[Task, LoweringContext, TaskContext], Operator | Group]
    outputs: Callable[[Task, TaskContext], Mapping[str, Any]] = no_outputs
    roots: Callable[[Task, TaskContext], tuple[str, ...]] = own_root
    branches: Callable[[Task], Iterable[Branch]] = no_branches
    members: Callable[[Task], Mapping[str, TaskBase]] = no_members
    problems: Callable[[Task, Pipeline, EnvironmentFile | None], Iterable[Diagnostic]] = no_problems
    files: Callable[[Task, Pipeline], Mapping[str, bytes]] = no_files


class TaskModule(Protocol):
    """A module of `dagfactory.tasks` whose name does not begin with `_`."""

    TASK_TYPE: TaskType[Any]
