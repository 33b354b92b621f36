"""Airflow's LocalExecutor, aware of the tasks it runs and of the workers that run them.

Airflow 3.3.1's forgets a task once a worker has it. A deferred task whose trigger fires before the
worker of its first half has ended is then queued a second time, and the end of the first half is
taken for the end of the second: "finished with state success, but the task instance's state
attribute is queued" (apache/airflow#67287, #71580, #72716). The task is failed, or tried again with
what the second half had written meanwhile: a resumed task without the event it waited for.

Nor does it know which worker has which task: of one whose worker was killed it waits for a result for
ever, and the task for its heartbeat to time out.
"""

import os
from typing import Any

from airflow.executors import local_executor
from airflow.utils.state import TaskInstanceState


class _Noted:
    """A queue of work that says in the queue of results which process takes what."""

    def __init__(self, work: Any, results: Any) -> None:
        self._work, self._results = work, results

    def get(self) -> Any:
        """Return what to run next, None for nothing any more."""
        taken = self._work.get()
        if taken is not None:
            self._results.put((taken.key, os.getpid(), None))
        return taken


class LocalExecutor(local_executor.LocalExecutor):
    """A LocalExecutor that starts no task before it has seen the end of that task's last start.

    The end of a worker is that of its task.
    """

    def start(self) -> None:
        """Start the workers."""
        self._taken: dict[int, Any] = {}
        super().start()

    def trigger_tasks(self, open_slots: int) -> None:
        """Start what is queued, but for what still runs; that stays queued, where Airflow sees it."""
        held = {
            key: self.queued_tasks.pop(key)
            for key in list(self.queued_tasks)
            if key in self.running
        }
        offered = set(self.queued_tasks)
        super().trigger_tasks(open_slots)
        self.running |= offered - self.queued_tasks.keys()  # until `change_state` hears of its end
        self.queued_tasks |= held

    def _spawn_worker(self) -> None:
        queue: Any = self.activity_queue
        noted: Any = _Noted(queue, self.result_queue)
        self.activity_queue = noted
        try:
            super()._spawn_worker()  # type: ignore[no-untyped-call]  # Airflow's has no annotations
        finally:
            self.activity_queue = queue

    def _read_results(self) -> None:
        while not self.result_queue.empty():
            key, state, _ = self.result_queue.get()
            if isinstance(state, int):  # a process has taken it
                self._taken[state] = key
            else:
                self._taken = {pid: each for pid, each in self._taken.items() if each != key}
                self.change_state(key, state)

    def _check_workers(self) -> None:
        for pid, process in self.workers.items():
            if not process.is_alive() and pid in self._taken:
                key = self._taken.pop(pid)
                self.log.error("The worker of %s has ended (exit code %s)", key, process.exitcode)
                self.change_state(key, TaskInstanceState.FAILED)
        super()._check_workers()  # type: ignore[no-untyped-call]  # nor has this
