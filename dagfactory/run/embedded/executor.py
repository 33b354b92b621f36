"""Airflow's LocalExecutor, aware of the tasks it runs.

Airflow 3.3.1's forgets a task once a worker has it. A deferred task whose trigger fires before the
worker of its first half has ended is then queued a second time, and the end of the first half is
taken for the end of the second: "finished with state success, but the task instance's state
attribute is queued" (apache/airflow#67287, #71580, #72716). The task is failed, or tried again with
what the second half had written meanwhile: a resumed task without the event it waited for.
"""

from airflow.executors import local_executor


class LocalExecutor(local_executor.LocalExecutor):
    """A LocalExecutor that starts no task before it has seen the end of that task's last start."""

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
