"""The plan: tasks with their edges, outputs and folders, every name resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.document.node import Node
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase
    from dagfactory.task_api.context import TaskContext


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task with its place in the file (`path`), in its groups and in Airflow."""

    id: str
    task: TaskBase
    path: KeyPath
    groups: tuple[str, ...]
    context: TaskContext
    outputs: Mapping[str, Any]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """Downstream waits for upstream, because of what stands at `path`."""

    upstream: str
    downstream: str
    why: Literal["after", "reference", "branch", "teardown"]
    path: KeyPath


Texts: TypeAlias = Mapping["KeyPath", list[tuple["KeyPath", str]]]
"""The texts of each task by its path, each text with its own."""


# no slots: cached_property keeps what it found in the instance's dictionary
@dataclass(frozen=True)
class Plan:
    """A pipeline as tasks and edges; one without findings can be lowered: every name resolved, no cycles.

    In any other a task with mistakes is a hole. `unsettled` are the tasks that may come after others
    than the edges say, because a name before them leads nowhere. `texts` leave out what stands in the
    members of a group, which have their own.
    """

    pipeline: Pipeline
    environment: EnvironmentFile | None
    node: Node
    tasks: dict[str, PlannedTask]
    edges: tuple[Edge, ...]
    run_dir: str
    texts: Texts
    unsettled: frozenset[str] = frozenset()

    @property
    def package(self) -> str:
        """Return where the bundle lies below the `dags/` folder, as a dotted Python package."""
        return self.environment.package if self.environment else ""

    @property
    def target(self) -> str:
        """Return the line of Airflow that the DAG is for."""
        return self.environment.target if self.environment else "airflow3"

    def starts(self, item: PlannedTask) -> tuple[str, ...]:
        """Return the Airflow ids that a task starts with: for a group, those waiting for none inside."""
        inside = self.inside.get(item.id)
        if not inside:
            return item.roots
        own = {each.id for each in inside}
        # a task does not come first either when its inner group waits
        first = (
            each
            for each in inside
            if not any(own & self.upstream.get(name, set()) for name in (each.id, *each.groups))
        )
        return tuple(root for each in first for root in each.roots)

    @cached_property
    def inside(self) -> Mapping[str, list[PlannedTask]]:
        """The tasks of each group, those of inner groups included."""
        found: dict[str, list[PlannedTask]] = {}
        for each in self.tasks.values():
            for group in each.groups:
                found.setdefault(group, []).append(each)
        return found

    @cached_property
    def upstream(self) -> Mapping[str, set[str]]:
        """What each task or group waits for."""
        found: dict[str, set[str]] = {}
        for edge in self.edges:
            found.setdefault(edge.downstream, set()).add(edge.upstream)
        return found
