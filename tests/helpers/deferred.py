"""An operator on its way through deferrals, in this process: each step by a fresh instance.

Airflow's own `dag.test()` keeps neither the arguments of a deferral nor its time limit, and waits for
the job itself; here a test sees both and decides what happens meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from dagfactory.runtime import jobstate

ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass
class Task:
    """A task instance: `make` returns its operator as Airflow would load it from the DAG file."""

    make: Callable[[], Any]
    ti: SimpleNamespace = field(default_factory=SimpleNamespace)
    deferral: Any = None
    observer: Any = None

    def __post_init__(self) -> None:
        defaults = {"dag_id": "steps", "task_id": self.make().task_id, "run_id": "r1"}
        defaults |= {"map_index": -1, "try_number": 1, "max_tries": 0}
        defaults |= {"start_date": datetime.now(UTC)}
        xcoms: dict[str, Any] = {}
        defaults |= {"xcom_push": lambda key, value: xcoms.update({key: value})}
        defaults |= {"xcom_pull": lambda key, **_: xcoms.get(key)}
        self.ti = SimpleNamespace(**(defaults | vars(self.ti)))

    def execute(self) -> Any:
        """Run until the task defers (None) or returns."""
        return self._step(lambda operator: operator.execute({"ti": self.ti}))

    def resume(self, **event: Any) -> Any:
        """Continue after the deferral with an event of the trigger."""
        arguments = {**(self.deferral.kwargs or {}), "event": event}
        return self._resumed(self.deferral.method_name, arguments)

    def run_out(self) -> Any:
        """Continue as Airflow does when the time limit of the deferral has passed."""
        return self._resumed("__fail__", {"error": "Trigger timeout"})

    def _resumed(self, method: str, arguments: dict[str, Any]) -> Any:
        context = {"ti": self.ti}
        return self._step(lambda operator: operator.resume_execution(method, arguments, context))

    def _step(self, step: Callable[[Any], Any]) -> Any:
        from airflow.sdk.exceptions import TaskDeferred

        try:
            return step(self.make())
        except TaskDeferred as deferral:
            self.deferral = deferral
            return None

    def notes(self) -> dict[str, Any]:
        """What the task has kept for the time after its deferral."""
        from dagfactory.runtime.awaited import NOTES

        return self.ti.xcom_pull(key=NOTES) or {}

    @property
    def waits_for(self) -> str:
        """The number of the job that the task waits for."""
        return str(self.deferral.trigger.arguments["job_id"])

    def jobs(self) -> list[dict[str, Any]]:
        """Return every job of the task, oldest first."""
        return sorted(self._jobs().every(), key=lambda job: str(job["createTime"]))

    def reach(self, number: int, *states: str) -> dict[str, Any]:
        """Wait until the job of this number (0 is the oldest) is in one of the states."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            job = self.jobs()[number]
            if jobstate.state_of(job) in (states or ENDED):
                return job
            time.sleep(0.05)
        raise AssertionError(f"{job['name']} stayed {job['state']}")

    def cancel(self, number: int) -> None:
        """Cancel a job as a person does in the console."""
        self._jobs().cancel(self.jobs()[number]["name"], "a person has decided so")

    def _jobs(self) -> Any:
        if self.observer is None:
            self.observer = self.make()
            self.observer._identify({"ti": self.ti})
        return self.observer._jobs
