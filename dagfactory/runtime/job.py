"""One training job on Vertex AI: launched once, found again by its labels, with fallback machines."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    get_current_context,
)

from . import jobspec, jobstate, triggers, vertex
from .base import VertexOperator
from .labels import PREFIX, display_name, task_labels, with_user_labels
from .taskjobs import Job, TaskJobs

SPEC_LABEL = f"{PREFIX}spec"
CHOICE_LABEL = f"{PREFIX}choice"
MAX_FAILED_WAITS = 5


class VertexJobOperator(VertexOperator):
    """Run a CustomJobSpec on Vertex AI and wait for it without holding a worker slot.

    ``job`` is the CustomJobSpec in Vertex's JSON form, templated as a whole. A live job of the same
    dag, run, task and map index is attached to instead of launched again; one that was asked for
    differently is cancelled first. ``fallback`` lists overrides of the job as asked
    (``region``, ``strategy``, ``machineSpec``, ``scheduling``), tried one after the other when
    capacity is missing, at creation or later. ``outputs`` are returned in XCom:
    ``{"job", "state", "region", "strategy", "outputs"}``.

    A failed job raises AirflowException, so that a retry resumes from its checkpoints; a request
    that repeating cannot mend raises AirflowFailException.
    """

    template_fields: Sequence[str] = (
        *VertexOperator.template_fields,
        "job",
        "labels",
        "fallback",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "job": "json",
        "labels": "json",
        "fallback": "json",
    }
    ui_color = "#d2e3fc"
    collection: ClassVar[str] = "trainingPipelines"
    trigger: ClassVar[str] = triggers.PIPELINE

    def __init__(
        self,
        *,
        job: dict[str, Any],
        labels: dict[str, str] | None = None,
        fallback: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # while the DAG file is parsed: a wrong key shows as an import error, not hours into a run
        jobspec.check_overrides(fallback or [])
        self.job = job
        self.labels = labels
        self.fallback = fallback
        self._identity: dict[str, str] = {}
        self._killed = False

    # What is requested. Methods and not attributes: Airflow renders the templates after `__init__`,
    # and the subclasses derive their job from rendered fields.

    def requested_job(self) -> dict[str, Any]:
        """Return the CustomJobSpec to run."""
        return self.job

    def request_body(self, job: dict[str, Any], context: Any, choice: int) -> dict[str, Any]:
        """Return what is created in ``collection`` to run a CustomJobSpec."""
        return jobspec.pipeline(self._display_name(context), job, self._labels(choice))

    def fingerprint(self) -> str:
        """Return a hash of the request: a job with another one does other work."""
        return jobspec.fingerprint(self.requested_job())

    def created_job(self, created: Job) -> dict[str, Any]:
        """Return the CustomJobSpec that Vertex AI made of the request."""
        # The pipeline's own inputs repeat the request; the CustomJob behind it says what runs.
        behind = self._job_behind(created)
        return dict(behind["jobSpec"] if behind else created.get("trainingTaskInputs") or {})

    def timed_out(self, ended: Job) -> bool:
        """Return whether a cancelled job had used up its ``scheduling.timeout``."""
        return jobstate.overran(self._job_behind(ended) or ended)

    def job_outputs(self) -> dict[str, Any]:
        """Return the addresses of what the job writes, for XCom."""
        return dict(jobspec.outputs(self.requested_job()))

    # The life of the task: execute → (deferred) → resumed → result or next choice.

    def execute(self, context: Any) -> dict[str, Any]:
        """Attach to the live job of this task, or launch one, and wait in the triggerer."""
        self._identify(context)
        # An earlier try can have left its job running: the worker died, or Airflow failed a deferred
        # task over its race (apache/airflow#72716). A second job would cost and write to one place.
        found = self._attachable()
        if found and jobstate.state_of(found) == jobstate.CANCELLING:
            self.log.info("Waiting for the end of %s, which is being cancelled", found["name"])
            self._defer(found["name"], "execute_after_cancel", {})
        if found:
            self.log.info("Attaching to the running job %s", found["name"])
            self._wait(found["name"])
        done = self._succeeded_earlier(context)
        if not done:
            self._launch(context, 0)
        self.log.info("An earlier try's job has succeeded meanwhile: %s", done["name"])
        return self._result(done)

    def execute_after_cancel(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - Airflow hands the event over
        """Begin again: a job that was cancelled has ended, perhaps with success all the same."""
        return self.execute(context)

    def execute_complete(
        self, context: Any, event: dict[str, Any], name: str | None = None, hiccups: int = 0
    ) -> dict[str, Any]:
        """Read the state of the job and return its result, wait again, fall back or raise."""
        # Airflow's database holds this method's name and the names of its arguments for every task
        # that is deferred: they cannot change while a task of an older bundle may resume.
        self._identify(context)
        # dag.test() hands on the event alone, without the arguments of the deferral.
        # The event's own status is not used: the provider's trigger reports PAUSED as success.
        job = self._get(name or self._job_name(event))
        if jobstate.is_live(job):
            self._wait_again(job["name"], hiccups, event)
        return self._outcome(context, job)

    def _outcome(self, context: Any, job: Job) -> dict[str, Any]:
        """Return the result of a job that has ended, fall back or raise."""
        if jobstate.state_of(job) == jobstate.SUCCEEDED:
            return self._result(job)
        text, code = jobstate.error_text(job), (job.get("error") or {}).get("code")
        if jobstate.lacks_capacity(text, code):
            self._next_choice(context, _choice(job), text)
        raise self._failure(job)

    def _failure(self, job: Job) -> AirflowException:
        """Return what to raise for a job that has failed or was cancelled."""
        message = jobstate.failure(job, vertex.console_url(job["name"]))
        if jobstate.state_of(job) != jobstate.CANCELLED:
            return AirflowException(message)
        if self.timed_out(job):
            return AirflowException(f"{message}\nIt used up its scheduling.timeout.")
        # Our own cancellations end the task by another way, so this one was a person's decision,
        # which a retry would undo.
        return AirflowFailException(f"{message}\nIt was cancelled outside this task.")

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any
    ) -> Any:
        """Resume after deferral; when ``execution_timeout`` ended it, cancel the job first."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except Exception:
            # Airflow 3 resumes a task whose time is up in order to fail it; nothing calls on_kill then.
            if _timed_out(next_kwargs):
                self._identify(context)
                self._jobs.cancel_live("the task timed out")
            raise

    def on_kill(self) -> None:
        """Cancel the job, so that a killed task stops costing money."""
        # read by `_launch`: the signal can arrive while the request to create the job is under way
        self._killed = True
        if self._identity or self._identify_from_context():
            self._jobs.cancel_live("the task was killed")

    # Launching.

    def _launch(self, context: Any, choice: int) -> NoReturn:
        region, job = self._placement(choice)
        client = self.client(region)
        created = self._create(client, self.request_body(job, context, choice))
        if isinstance(created, str):
            self._next_choice(context, choice, created)
        if self._killed:  # on_kill could not find the job yet
            self._jobs.cancel(created["name"], "the task was killed")
            raise AirflowException(f"killed while launching {created['name']}")
        self._check_strategy(job, created)
        self.log.info("Launched %s: %s", created["name"], vertex.console_url(created["name"]))
        self._wait(created["name"])

    def _create(self, client: vertex.VertexClient, body: dict[str, Any]) -> dict[str, Any] | str:
        """Create the job once; return Vertex AI's error text instead when capacity is missing."""
        from googleapiclient.errors import HttpError

        jobs = self._jobs.resource(client)
        try:
            return client.create_once(
                lambda: jobs.create(parent=client.parent, body=body),
                lambda: next(filter(jobstate.is_live, self._jobs.of_region(client)), None),
                jobstate.out_of_stock,
            )
        except (HttpError, OSError) as error:
            message = vertex.message_of(error)
            if jobstate.lacks_capacity(message):
                return message
            vertex.raise_failure(error, f"the job of task {self.task_id}")

    def _next_choice(self, context: Any, choice: int, reason: str) -> NoReturn:
        """Launch the next fallback; raise AirflowException after the last one."""
        choices = len(self.fallback or [])
        if choice >= choices:
            # Not a permanent failure: a retry, after Airflow's delay, begins with the first again.
            tried = f"{choices + 1} place(s) tried"
            raise AirflowException(f"No capacity for task {self.task_id}, {tried}: {reason}")
        override = (self.fallback or [])[choice]
        self.log.warning("No capacity (%s); falling back to %s", reason, override)
        self._launch(context, choice + 1)

    def _placement(self, choice: int) -> tuple[str, dict[str, Any]]:
        """Return region and job of a choice: 0 is as asked, n applies the n-th fallback to that."""
        overrides = [{}, *(self.fallback or [])]
        override = overrides[min(choice, len(overrides) - 1)]  # the spec may have become shorter
        return override.get("region", self.region), jobspec.overridden(
            self.requested_job(), override
        )

    def _check_strategy(self, job: dict[str, Any], created: Job) -> None:
        """Cancel a job that would run on machines of another price than requested."""
        # Read back and not trusted: a training at the standard price costs several times that of Spot.
        problem = jobspec.strategy_problem(job, self.created_job(created))
        if problem:
            self._jobs.cancel(created["name"], problem)
            raise AirflowFailException(f"{created['name']} was cancelled: {problem}")

    # Waiting.

    def _wait(self, name: str, hiccups: int = 0) -> NoReturn:
        self._defer(name, "execute_complete", {"name": name, "hiccups": hiccups})

    def _defer(self, name: str, method: str, arguments: dict[str, Any]) -> NoReturn:
        """Continue with a method once a job has ended."""
        limit: timedelta | None = self.execution_timeout
        # From the job's name, not from this operator: a fallback may run in another region.
        _, project, _, region, _, identifier = name.split("/")
        trigger = triggers.JobTrigger(
            self.trigger,
            conn_id=self.gcp_conn_id,
            project_id=project,
            location=region,
            job_id=identifier,
            poll_interval=self.poll,
            impersonation_chain=self.impersonation_chain,
        )
        self.defer(
            trigger=trigger,
            method_name=method,
            kwargs=arguments,
            timeout=limit,
        )
        raise AssertionError  # defer always raises

    def _wait_again(self, name: str, hiccups: int, event: dict[str, Any]) -> NoReturn:
        """Return to the triggerer: its poll failed, the job runs on."""
        # Failing here would use up one of the task's retries for an error of the network.
        message = f"{name} is still running, but waiting for it failed: {event.get('message')}"
        if hiccups >= MAX_FAILED_WAITS:  # the retry attaches to the job
            raise AirflowException(message)
        self.log.warning(message)
        self._wait(name, hiccups + 1)

    def _result(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        region, job = self._placement(_choice(pipeline))
        return {
            "job": pipeline["name"],
            "state": pipeline["state"],
            "region": region,
            "strategy": jobspec.strategy_of(job),
            "outputs": self.job_outputs(),
        }

    # Finding and cancelling.

    def _identify(self, context: Any) -> None:
        ti = context["ti"]
        self._identity = task_labels(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)

    def _identify_from_context(self) -> bool:
        """Identify the task by the running context; return whether that was possible."""
        # Airflow 2 ends a deferred task whose time is up before any of its code runs: on_kill is called
        # on an operator that has executed nothing.
        with contextlib.suppress(AirflowException, RuntimeError):
            self._identify(get_current_context())
        return bool(self._identity)

    def _labels(self, choice: int) -> dict[str, str]:
        own = {**self._identity, SPEC_LABEL: self.fingerprint(), CHOICE_LABEL: str(choice)}
        return with_user_labels(own, self.labels)

    def _display_name(self, context: Any) -> str:
        ti = context["ti"]
        return display_name(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)

    @property
    def _jobs(self) -> TaskJobs:
        return TaskJobs(self, self.collection, self._identity, self._regions())

    def _attachable(self) -> Job | None:
        """Return the live job as asked for, else one whose end has to be awaited; cancel the others."""
        spec, wanted, leaving = self.fingerprint(), None, None
        for job in self._jobs.live():
            running = jobstate.state_of(job) != jobstate.CANCELLING
            if running and wanted is None and job["labels"].get(SPEC_LABEL) == spec:
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
        spec = self.fingerprint()
        found = [
            job
            for job in self._jobs.every()
            if jobstate.state_of(job) == jobstate.SUCCEEDED and job["labels"][SPEC_LABEL] == spec
        ]
        return max(found, key=lambda job: str(job.get("endTime")), default=None)

    def _job_name(self, event: dict[str, Any]) -> str:
        """Return the name of the job in an event; the one that lives if a poll failed."""
        job = event.get("job") or self._attachable()  # the event of a failed poll names none
        if not job:
            raise AirflowException(f"waiting for the job failed: {event.get('message')}")
        return str(job["name"])

    def _get(self, name: str) -> Job:
        return self._jobs.get(name)

    def _job_behind(self, pipeline: Job) -> Job | None:
        """Return the CustomJob that runs a pipeline, None while Vertex AI names none."""
        name = (pipeline.get("trainingTaskMetadata") or {}).get("backingCustomJob")
        if not name:
            return None
        client = self.client(name.split("/")[3])
        return client.call(client.locations.customJobs().get(name=name))

    def _regions(self) -> list[str]:
        """Return every region a job of this task may run in."""
        return [self.region, *(each["region"] for each in self.fallback or [] if "region" in each)]


def _choice(pipeline: dict[str, Any]) -> int:
    """Return which choice a job was launched with: 0 as asked, n the n-th fallback."""
    return int((pipeline.get("labels") or {}).get(CHOICE_LABEL, 0))


def _timed_out(next_kwargs: dict[str, Any] | None) -> bool:
    """Whether Airflow resumes a task because its time is up."""
    # By the text: 2.11 says "Trigger/execution timeout", 3 says "Trigger timeout", and 2.11 raises the
    # same exception for every other failure of a trigger.
    return "timeout" in str((next_kwargs or {}).get("error", "")).lower()
