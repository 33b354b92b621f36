"""A job that a task launches once: attached to by every later try, replaced when another one is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from . import jobstate, vertex
from .awaited import HOUR, AwaitedJobOperator
from .labels import PREFIX, display_name, with_user_labels
from .taskjobs import Job

SPEC_LABEL = f"{PREFIX}spec"


class LaunchedJobOperator(AwaitedJobOperator):
    """Attach to the live job of this task, or launch one; a retry finds what the try before it made.

    Subclasses say in ``fingerprint`` what tells their requests apart, and in ``launch`` how one is made.
    """

    console_page: ClassVar[str] = "training"
    labels: Mapping[str, str] | None

    def fingerprint(self) -> str:
        """Return a hash of the request: a job with another one does other work."""
        raise NotImplementedError

    def launch(self, context: Any) -> dict[str, Any]:
        """Create the job and wait for it."""
        raise NotImplementedError

    def finished(self, job: Job) -> dict[str, Any]:
        """Return the result of a job that has succeeded."""
        raise NotImplementedError

    def timed_out(self, ended: Job) -> bool:  # noqa: ARG002 - what subclasses go by
        """Return whether a cancelled job had used up a time limit of its own."""
        return False

    def execute(self, context: Any) -> dict[str, Any]:
        """Attach to the live job of this task, or launch one, and wait in the triggerer."""
        self._identify(context)
        with self._nothing_left_behind(context):
            return self._attached(context)

    def execute_after_cancel(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - Airflow hands the event over
        """Begin again: a job that was cancelled has ended, perhaps with success all the same."""
        return self.execute(context)

    def _attached(self, context: Any) -> dict[str, Any]:
        return self._found(context) or self.launch(context)

    def _found(self, context: Any) -> dict[str, Any] | None:
        """Wait for the live job of this task; return what an earlier try's job has come to, else None."""
        # An earlier try can have left its job running: the worker died, or Airflow failed a deferred
        # task over its race (apache/airflow#72716). A second job would cost and write to one place.
        found = self._attachable()
        if found and not jobstate.is_under_way(found):
            self.log.info("Waiting for the end of %s, which is being cancelled", found["name"])
            self._defer(found, "execute_after_cancel", {}, HOUR)
        if found:
            self.log.info("Attaching to the running job %s", found["name"])
            self.look_in(found)
        done = self._succeeded_earlier(context)
        if not done:
            return None
        self.log.info("An earlier try's job has succeeded meanwhile: %s", done["name"])
        return self.finished(done)

    @contextlib.contextmanager
    def _none_left_when_killed(self) -> Iterator[None]:
        """Cancel what a request inside the block may have launched when the task is killed meanwhile."""
        try:
            yield
        except BaseException:
            if self._killed:  # Airflow 2 raises from `on_kill` in the middle of the request
                self._jobs.cancel_live("the task was killed")
            raise

    def _announce(self, created: Job) -> None:
        """Log a new job; cancel it when the task was killed before it could be found."""
        if self._killed:
            self._jobs.cancel(created["name"], "the task was killed")
            raise AirflowException(f"killed while launching {created['name']}")
        page = vertex.console_url(created["name"], self.console_page)
        self.log.info("Launched %s: %s", created["name"], page)

    def is_wanted(self, job: Job) -> bool:
        """Return whether a job was launched for what the task asks for now."""
        return bool(job["labels"].get(SPEC_LABEL) == self.fingerprint())

    def _failure(self, job: Job) -> AirflowException:
        """Return what to raise for a job that has failed or was cancelled."""
        message = jobstate.failure(job, vertex.console_url(job["name"], self.console_page))
        if jobstate.state_of(job) != jobstate.CANCELLED:
            return AirflowException(message)
        if self.timed_out(job):
            return AirflowException(f"{message}\nIt used up its scheduling.timeout.")
        # Our own cancellations end the task by another way, so this one was a person's decision,
        # which a retry would undo.
        return AirflowFailException(f"{message}\nIt was cancelled outside this task.")

    # Finding.

    def _labels(self, own: Mapping[str, str] | None = None) -> dict[str, str]:
        known_by = {**self._identity, SPEC_LABEL: self.fingerprint()}
        return with_user_labels({**known_by, **(own or {})}, self.labels)

    def _display_name(self, context: Any) -> str:
        ti = context["ti"]
        return display_name(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)

    def _attachable(self) -> Job | None:
        """Return the live job as asked for, else one whose end has to be awaited; cancel the others."""
        wanted, leaving = None, None
        for job in self._jobs.live():
            running = jobstate.is_under_way(job)
            if running and wanted is None and self.is_wanted(job):
                wanted = job
                continue
            if running:
                self._jobs.cancel(job["name"], "it was launched for another job spec")
            leaving = {**job, "state": "JOB_STATE_CANCELLING"}
        return wanted or leaving

    def _succeeded_earlier(self, context: Any) -> dict[str, Any] | None:
        """Return the job that an earlier try of this task launched and that has succeeded since."""
        ti = context["ti"]
        # Only for a retry that Airflow makes by itself. Clearing a task raises ``max_tries`` above
        # ``retries``, and who clears a task wants it to run again.
        if ti.try_number == 1 or ti.max_tries != self.retries:
            return None
        found = [
            job
            for job in self._jobs.every()
            if jobstate.state_of(job) == jobstate.SUCCEEDED and self.is_wanted(job)
        ]
        return max(found, key=lambda job: str(job.get("endTime")), default=None)
