"""The plan: tasks with their edges, outputs and folders, every name resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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


@dataclass(frozen=True, slots=True)
class Plan:
    """A pipeline as tasks and edges; one without findings can be lowered: every name resolved, no cycles.

    In any other a task with mistakes is a hole. `unsettled` are the tasks that may come after others
    than the edges say, because a name before them leads nowhere.
    """

    pipeline: Pipeline
    environment: EnvironmentFile | None
    node: Node
    tasks: dict[str, PlannedTask]
    edges: tuple[Edge, ...]
    run_dir: str
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
        inside = [each for each in self.tasks.values() if item.id in each.groups]
        if not inside:
            return item.roots
        own = {each.id for each in inside}
        late = {edge.downstream for edge in self.edges if edge.upstream in own}
        # a task does not come first either when its inner group waits
        first = (each for each in inside if not late & {each.id, *each.groups})
        return tuple(root for each in first for root in each.roots)
