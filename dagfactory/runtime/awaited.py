"""An operator that waits for a job without holding a worker, and never leaves one behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    get_current_context,
)

from . import jobstate, observability, triggers
from .base import VertexOperator
from .labels import task_labels
from .taskjobs import Job, TaskJobs

MAX_FAILED_WAITS = 5
HOUR = 3600.0
SHORTEST = 1.0
ERROR_DELAY, ERROR_POLL = 120.0, 10.0
PLACES = (*VertexOperator.template_fields, "fallback")
NOTES = "dagfactory_notes"
"""The XCom of a task that waits: what it has to know when it is resumed."""


class AwaitedJobOperator(VertexOperator):
    """Find the jobs of a task, wait for one in the triggerer, end those that nobody waits for.

    Subclasses say in ``outcome`` what follows from a job that has ended, and in ``look_in`` what from
    one that lives when the time came to look at it.
    """

    collection: ClassVar[str]
    trigger: ClassVar[str]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._identity: dict[str, str] = {}
        self._context: Any = None
        self._notes: dict[str, Any] = {}
        self._kept_notes: dict[str, Any] = {}
        self._started: datetime | None = None
        self._killed = False
        self.resumed = False  # links.py reads it
        self.on_failure_callback = _with_cleanup(self.on_failure_callback)

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task; Airflow takes its callbacks from here, not from its operators."""
        made = super().partial(**kwargs)
        made.kwargs["on_failure_callback"] = _with_cleanup(made.kwargs.get("on_failure_callback"))
        return made

    def regions(self) -> list[str]:
        """Return every region a job of this task may run in."""
        return [self.region]

    def is_wanted(self, job: Job) -> bool:
        """Return whether a job of this task is the one that the task asks for now."""
        raise NotImplementedError

    def outcome(self, context: Any, job: Job) -> dict[str, Any]:
        """Return the result of a job that has ended, or raise."""
        raise NotImplementedError

    def look_in(self, job: Job) -> NoReturn:
        """Wait on for a live job, or do something about it."""
        raise NotImplementedError

    def look_again_in(self, job: Job) -> float | None:  # noqa: ARG002 - what subclasses go by
        """Return after how many seconds to look in on a job, None to wait for its end."""
        return None

    # Airflow comes back by these names.

    def execute_complete(
        self,
        context: Any,
        event: dict[str, Any],
        name: str | None = None,
        hiccups: int = 0,
        notes: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read the state of the job and go by it; wait again when only the waiting has failed."""
        # Airflow's database holds this method's name and the names of its arguments for every task
        # that is deferred: they cannot change while a task of an older bundle may resume.
        self._identify(context)
        self._recall(_of_jobs(notes, name))
        # dag.test() hands on the event alone, without the arguments of the deferral.
        # The event's own status is not used: the provider's trigger reports PAUSED as success.
        job = self._get(name or self._job_name(event))
        if jobstate.is_live(job):
            self._wait_again(job, hiccups, event)
        return self.outcome(context, self._with_error(job))

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any
    ) -> Any:
        """Resume after deferral; cancel the job first when the task's own time is up."""
        self.resumed = True
        self._identify(context)
        with self._nothing_left_behind(context):
            # A limit of the deferral is either the end of the task or our own time to look.
            left = self._time_left()
            if _timed_out(next_kwargs) and (left is None or left > 0):
                return self._look(context)
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except Exception:
                # Airflow 3 resumes a task whose time is up to fail it; nothing calls on_kill then.
                if _timed_out(next_kwargs):
                    self._jobs.cancel_live("the task timed out")
                raise

    def on_kill(self) -> None:
        """Cancel the job, so that a killed task stops costing money."""
        # read after a launch: the signal can arrive while the request to create the job is under way
        self._killed = True
        self._session = None  # a new one: the signal can arrive in the middle of a request
        if self._identity or self._identify_from_context():
            self._jobs.cancel_live("the task was killed")

    # Waiting.

    def _wait(self, job: Job, hiccups: int = 0) -> NoReturn:
        arguments = {"name": job["name"], "hiccups": hiccups}
        self._defer(job, "execute_complete", arguments, self.look_again_in(job))

    def _defer(
        self, job: Job, method: str, arguments: dict[str, Any], look_after: float | None = None
    ) -> NoReturn:
        """Continue with a method once a job has ended, or look in on it after some seconds."""
        observability.waiting(self, self._context, job)
        limits = [each for each in (self._time_left(), look_after) if each is not None]
        # From the job's name, not from this operator: a fallback may run in another region.
        _, project, _, region, _, identifier = job["name"].split("/")
        trigger = triggers.JobTrigger(
            self.trigger,
            conn_id=self.gcp_conn_id,
            project_id=project,
            location=region,
            job_id=identifier,
            poll_interval=self.poll,
            impersonation_chain=self.impersonation_chain,
        )
        limit = timedelta(seconds=max(SHORTEST, min(limits))) if limits else None
        self._remember()
        self.defer(trigger=trigger, method_name=method, kwargs=arguments, timeout=limit)
        raise AssertionError  # defer always raises

    def _wait_again(self, job: Job, hiccups: int, event: dict[str, Any]) -> NoReturn:
        """Return to the triggerer: its poll failed, the job runs on."""
        # Failing here would use up one of the task's retries for an error of the network.
        message = (
            f"{job['name']} is still running, but waiting for it failed: {event.get('message')}"
        )
        now = time.time()
        since = self._notes.get("failing_since", now)
        if now - since > HOUR:  # a job of days may see more of them
            hiccups, since = 0, now
        if hiccups >= MAX_FAILED_WAITS:  # the retry attaches to the job
            raise AirflowException(message)
        self.log.warning(message)
        self._notes["failing_since"] = since
        self._wait(job, hiccups + 1)

    def _remember(self) -> None:
        """Keep the notes for whatever resumes this task."""
        # Not among the arguments of the deferral: Airflow drops those when its time limit passes.
        if self._notes != self._kept_notes:
            self._context["ti"].xcom_push(key=NOTES, value=self._notes)
            self._kept_notes = dict(self._notes)

    def _recall(self, given: dict[str, Any] | None = None) -> None:
        """Read the notes of this try; ``given`` are those that an older runtime handed on."""
        ti = self._context["ti"]
        kept = ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index, key=NOTES)
        self._kept_notes = dict(kept or {})
        self._notes = dict(given or self._kept_notes)

    def _look(self, context: Any) -> dict[str, Any]:
        """Look in on the newest job as asked for, of which Airflow has forgotten the name."""
        self._recall()
        wanted = filter(self.is_wanted, self._jobs.every())
        job = max(wanted, key=lambda each: str(each.get("createTime")), default=None)
        if job is None:  # it waited for the end of another one
            begun: dict[str, Any] = self.execute(context)
            return begun
        if jobstate.state_of(job) == jobstate.CANCELLING:
            raise AirflowException(f"{job['name']} is still being cancelled")
        if jobstate.is_live(job):
            self.look_in(job)
        return self.outcome(context, self._with_error(job))

    def _with_error(self, job: Job) -> Job:
        """Return a job that has failed with its error, for which Vertex AI may need a minute more."""
        # understanding-training-service: the state may be seen before the reason
        deadline = time.monotonic() + ERROR_DELAY
        while jobstate.lacks_reason(job) and time.monotonic() < deadline:
            time.sleep(min(self.poll, ERROR_POLL))
            job = self._get(job["name"])
        return job

    def _time_left(self) -> float | None:
        """Return the seconds until ``execution_timeout``, None without one."""
        limit: timedelta | None = self.execution_timeout
        if limit is None:
            return None
        gone = datetime.now(UTC) - self._started if self._started else timedelta(0)
        return (limit - gone).total_seconds()

    def cancel_left(self, context: Any) -> None:
        """Cancel the live jobs of a task whose worker was lost at its last try."""
        if self._identity:  # this process has run the task, and has seen to its jobs
            return
        for field in set(PLACES) & set(self.template_fields):
            setattr(self, field, self.render_template(getattr(self, field), context))
        self._identify(context)
        self._jobs.cancel_live("the task has failed and is not retried")

    @contextlib.contextmanager
    def _nothing_left_behind(self, context: Any) -> Iterator[None]:
        """Cancel the live jobs of a task that fails for good: nobody would attach to them."""
        try:
            yield
        except Exception as error:
            ti = context["ti"]
            if isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries:
                try:
                    self._jobs.cancel_live("the task has failed and is not retried")
                except Exception:  # the error that counts is the first one
                    self.log.exception("A job of this task may be left running")
            raise

    # Finding.

    def _identify(self, context: Any) -> None:
        self._context, ti = context, context["ti"]
        self._identity = task_labels(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)
        self._started = getattr(ti, "start_date", None)

    def _identify_from_context(self) -> bool:
        """Identify the task by the running context; return whether that was possible."""
        # Airflow 2 ends a deferred task whose time is up before any of its code runs: on_kill is called
        # on an operator that has executed nothing.
        with contextlib.suppress(AirflowException, RuntimeError):
            self._identify(get_current_context())
        return bool(self._identity)

    @property
    def _jobs(self) -> TaskJobs:
        return TaskJobs(self, self.collection, self._identity, self.regions())

    def _job_name(self, event: dict[str, Any]) -> str:
        """Return the name of the job in an event; the one that lives if a poll failed."""
        job = event.get("job") or next(iter(self._jobs.live()), None)
        if not job:
            raise AirflowException(f"waiting for the job failed: {event.get('message')}")
        return str(job["name"])

    def _get(self, name: str) -> Job:
        return self._jobs.get(name)


def _of_jobs(notes: dict[str, Any] | None, name: str | None) -> dict[str, Any] | None:
    """Return notes of an older runtime, which gave up the one job that it waited for, by its name."""
    reason = (notes or {}).get("given_up")
    return {**(notes or {}), "given_up": {name: reason}} if isinstance(reason, str) else notes


def cancel_left_jobs(context: Any) -> None:
    """Cancel what a failed task has left running; a callback of Airflow."""
    task = context["task"]
    if not isinstance(task, AwaitedJobOperator):  # where a worker was lost: in the DAG processor
        mapped_over = task._get_specified_expand_input().value  # noqa: SLF001 - as `unmap` asks
        # which job a task asks for does not matter here, only where it may run
        task = task.unmap({name: {} for name in mapped_over})
    task.cancel_left(context)


def _with_cleanup(given: Any) -> list[Any]:
    """Return callbacks with ours behind them."""
    callbacks = list(given) if isinstance(given, Sequence) else [given] if given else []
    return callbacks if cancel_left_jobs in callbacks else [*callbacks, cancel_left_jobs]


def _timed_out(next_kwargs: dict[str, Any] | None) -> bool:
    """Whether Airflow resumes a task because the time limit of its deferral has passed."""
    # By the text: 2.11 says "Trigger/execution timeout", 3 says "Trigger timeout", and 2.11 raises the
    # same exception for every other failure of a trigger.
    return "timeout" in str((next_kwargs or {}).get("error", "")).lower()
