"""Whose fault it is that a task was never started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dagfactory.run.airflow_api import AirflowApi


@dataclass(slots=True)
class Blame:
    """What stands before each task of a DAG, asked for once and only when something has failed."""

    api: AirflowApi
    dag_id: str
    _upstream: dict[str, set[str]] = field(default_factory=dict)

    def note(self, task_id: str, states: Mapping[str, set[str]]) -> str:
        """Name the tasks before this one that failed by themselves."""
        failed = sorted(
            each for each in self._before(task_id) if "failed" in states.get(each, set())
        )
        return f"because {' and '.join(failed)} failed" if failed else ""

    def _before(self, task_id: str) -> set[str]:
        """Return every task that a task waits for, directly or not."""
        if not self._upstream:
            self._upstream = _edges(self.api.get("dags", self.dag_id, "tasks")["tasks"])
        found: set[str] = set()
        left = [task_id]
        while left:
            new = self._upstream.get(left.pop(), set()) - found
            found |= new
            left += new
        return found


def _edges(tasks: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the direct upstream tasks of each task."""
    found: dict[str, set[str]] = {task["task_id"]: set() for task in tasks}
    for task in tasks:
        for after in task["downstream_task_ids"] or ():
            found.setdefault(after, set()).add(task["task_id"])
    return found
