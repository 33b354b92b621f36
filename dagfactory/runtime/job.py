"""One training job on Vertex AI: launched once, found again, on the cheapest machine there is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    get_current_context,
)

from . import jobspec, naming, vertex, waiting
from .base import VertexOperator

SPEC_LABEL = f"{naming.PREFIX}spec"
CHOICE_LABEL = f"{naming.PREFIX}choice"
MAX_HICCUPS = 5


class VertexJobOperator(VertexOperator):
    """Run a CustomJobSpec on Vertex AI and wait for it without holding a worker slot.

    ``job`` is the CustomJobSpec in Vertex's JSON form, templated as a whole. A live job of the same
    dag, run, task and map index is attached to instead of launched again; one that was asked for
    differently is cancelled first. ``fallback`` lists overrides of the job as asked
    (``region``, ``strategy``, ``machineSpec``, ``scheduling``), tried one after the other when
    capacity is missing, at creation or later. ``outputs`` are returned in XCom:
    ``{"job", "state", "region", "strategy", "outputs"}``.

    A failed job raises AirflowException, so that a retry resumes from its checkpoints; a request
    that Vertex AI refuses for good raises AirflowFailException.
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
    trigger: ClassVar[str] = waiting.PIPELINE

    def __init__(
        self,
        *,
        job: dict[str, Any],
        labels: dict[str, str] | None = None,
        fallback: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        jobspec.check_overrides(fallback or [])
        self.job = job
        self.labels = labels
        self.fallback = fallback
        self._identity: dict[str, str] = {}
        self._killed = False

    # What is asked for. A subclass changes it; it is read after templating.

    def asked_job(self) -> dict[str, Any]:
        """Return the CustomJobSpec to run."""
        return self.job

    def asked_resource(self, job: dict[str, Any], context: Any, choice: int) -> dict[str, Any]:
        """Return what is created in ``collection`` to run a CustomJobSpec."""
        return jobspec.pipeline(self._display_name(context), job, self._labels(choice))

    def fingerprint(self) -> str:
        """Return what changes when something else is asked for."""
        return jobspec.fingerprint(self.asked_job())

    def answered_job(self, created: dict[str, Any]) -> dict[str, Any]:
        """Return the CustomJobSpec that Vertex AI made of it."""
        backing = (created.get("trainingTaskMetadata") or {}).get("backingCustomJob")
        if not backing:
            return dict(created.get("trainingTaskInputs") or {})
        client = self.client(backing.split("/")[3])
        custom_job = client.call(client.locations.customJobs().get(name=backing))
        return dict(custom_job["jobSpec"])

    def job_outputs(self) -> dict[str, Any]:
        """Return the addresses of what the job writes, for XCom."""
        return dict(jobspec.outputs(self.asked_job()))

    # The life of the task: execute → (deferred) → resumed → result or next choice.

    def execute(self, context: Any) -> dict[str, Any]:
        """Attach to the live job of this task, or launch one, and wait in the triggerer."""
        self._identify(context)
        found = self._live_as_asked()
        if found:
            self.log.info("Attaching to the running job %s", found["name"])
            self._wait(found["name"])
        done = self._done(context)
        if not done:
            self._launch(context, 0)
        self.log.info("An earlier try's job has succeeded meanwhile: %s", done["name"])
        return self._result(done)

    def execute_complete(
        self, context: Any, event: dict[str, Any], name: str | None = None, hiccups: int = 0
    ) -> dict[str, Any]:
        """Look at the job itself, for the trigger's event counts PAUSED as success."""
        self._identify(context)
        # dag.test() hands on the event alone, without the arguments of the deferral.
        pipeline = self._get(name or self._named_in(event))
        state = jobspec.state_of(pipeline)
        if state in jobspec.LIVE:
            self._wait_again(pipeline["name"], hiccups, event)
        if state == jobspec.SUCCEEDED:
            return self._result(pipeline)
        error = pipeline.get("error") or {}
        if jobspec.lacks_capacity(jobspec.error_text(pipeline), error.get("code")):
            self._next_choice(context, _choice(pipeline), jobspec.error_text(pipeline))
        message = jobspec.failure(pipeline, vertex.console(pipeline["name"]))
        if state == jobspec.CANCELLED and not error:
            raise AirflowFailException(f"{message}\nIt was cancelled outside this task.")
        raise AirflowException(message)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any
    ) -> Any:
        """Resume after deferral; when ``execution_timeout`` ended it, cancel the job first."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except Exception:
            if _timed_out(next_kwargs):
                self._identify(context)
                self._cancel_live("the task timed out")
            raise

    def on_kill(self) -> None:
        """Cancel the job, so that a killed task stops costing money."""
        self._killed = True
        if self._identity or self._identified():
            self._cancel_live("the task was killed")

    # Launching.

    def _launch(self, context: Any, choice: int) -> NoReturn:
        region, job = self._variant(choice)
        client = self.client(region)
        created = self._create(client, self.asked_resource(job, context, choice))
        if isinstance(created, str):
            self._next_choice(context, choice, created)
        if self._killed:  # while the request was under way: on_kill could not see the job yet
            self._cancel(client, created["name"], "the task was killed")
            raise AirflowException(f"killed while launching {created['name']}")
        self._check_strategy(client, job, created)
        self.log.info("Launched %s: %s", created["name"], vertex.console(created["name"]))
        self._wait(created["name"])

    def _create(self, client: vertex.Vertex, body: dict[str, Any]) -> dict[str, Any] | str:
        """Create the job once; return Vertex's words instead when capacity is missing."""
        from googleapiclient.errors import HttpError

        jobs = self._jobs(client)
        try:
            return client.create_once(
                lambda: jobs.create(parent=client.parent, body=body),
                lambda: next(self._live(client), None),
                jobspec.out_of_stock,
            )
        except (HttpError, OSError) as error:
            words = vertex.message_of(error)
            if jobspec.lacks_capacity(words):
                return words
            vertex.failed(error, f"the job of task {self.task_id}")

    def _next_choice(self, context: Any, choice: int, reason: str) -> NoReturn:
        """Launch the next fallback; raise when there is none left."""
        choices = len(self.fallback or [])
        if choice >= choices:
            tried = f"{choices + 1} place(s) tried"
            raise AirflowException(f"No capacity for task {self.task_id}, {tried}: {reason}")
        override = (self.fallback or [])[choice]
        self.log.warning("No capacity (%s); falling back to %s", reason, override)
        self._launch(context, choice + 1)

    def _variant(self, choice: int) -> tuple[str, dict[str, Any]]:
        """Return region and job of a choice: 0 is as asked, n applies the n-th fallback to that."""
        overrides = [{}, *(self.fallback or [])]
        override = overrides[min(choice, len(overrides) - 1)]  # the spec may have become shorter
        return override.get("region", self.region), jobspec.overridden(self.asked_job(), override)

    def _check_strategy(
        self, client: vertex.Vertex, job: dict[str, Any], created: dict[str, Any]
    ) -> None:
        """Cancel a job that would run on machines of another price than asked for."""
        problem = jobspec.strategy_problem(job, self.answered_job(created))
        if problem:
            self._cancel(client, created["name"], problem)
            raise AirflowFailException(f"{created['name']} was cancelled: {problem}")

    # Waiting.

    def _wait(self, name: str, hiccups: int = 0) -> NoReturn:
        limit: timedelta | None = self.execution_timeout
        _, project, _, region, _, identifier = name.split("/")
        trigger = waiting.JobTrigger(
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
            method_name="execute_complete",
            kwargs={"name": name, "hiccups": hiccups},
            timeout=limit,
        )
        raise AssertionError  # defer always raises

    def _wait_again(self, name: str, hiccups: int, event: dict[str, Any]) -> NoReturn:
        """Return to the triggerer: its poll failed, the job runs on."""
        message = f"{name} is still running, but waiting for it failed: {event.get('message')}"
        if hiccups >= MAX_HICCUPS:
            raise AirflowException(message)
        self.log.warning(message)
        self._wait(name, hiccups + 1)

    def _result(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        region, job = self._variant(_choice(pipeline))
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
        self._identity = naming.identity(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)

    def _identified(self) -> bool:
        """Identify a task that has not begun: Airflow 2 ends one whose time is up unresumed."""
        with contextlib.suppress(AirflowException, RuntimeError):
            self._identify(get_current_context())
        return bool(self._identity)

    def _labels(self, choice: int) -> dict[str, str]:
        own = {**self._identity, SPEC_LABEL: self.fingerprint(), CHOICE_LABEL: str(choice)}
        return naming.merged(own, self.labels)

    def _display_name(self, context: Any) -> str:
        ti = context["ti"]
        return naming.display_name(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)

    def _live_as_asked(self) -> dict[str, Any] | None:
        """Return the live job of this task; cancel every other one that writes to its place."""
        wanted: dict[str, Any] | None = None
        spec = self.fingerprint()
        for client in self.clients(self._regions()):
            for pipeline in self._live(client):
                if wanted is None and pipeline["labels"].get(SPEC_LABEL) == spec:
                    wanted = pipeline
                else:
                    self._cancel(client, pipeline["name"], "it was launched for another job spec")
        return wanted

    def _done(self, context: Any) -> dict[str, Any] | None:
        """Return the job as asked that succeeded while Airflow had lost sight of it.

        Only for a try that Airflow makes by itself. Clearing a task raises ``max_tries`` above
        ``retries``, and who clears a task wants it to run again.
        """
        ti = context["ti"]
        if ti.try_number == 1 or ti.max_tries != self.retries:
            return None
        spec = self.fingerprint()
        found = [
            pipeline
            for client in self.clients(self._regions())
            for pipeline in self._own(client)
            if jobspec.state_of(pipeline) == jobspec.SUCCEEDED
            and pipeline["labels"][SPEC_LABEL] == spec
        ]
        return max(found, key=lambda pipeline: str(pipeline.get("endTime")), default=None)

    def _live(self, client: vertex.Vertex) -> Iterator[dict[str, Any]]:
        return (each for each in self._own(client) if jobspec.state_of(each) in jobspec.LIVE)

    def _own(self, client: vertex.Vertex) -> Iterator[dict[str, Any]]:
        """Yield every job that was launched for this task of this run, whatever its state."""
        text = naming.filter_text(self._identity)
        for pipeline in client.pages(self._jobs(client), self.collection, filter=text):
            labels = pipeline.get("labels", {})
            # A filter that was understood differently must never attach to another task's job.
            if all(labels.get(key) == value for key, value in self._identity.items()):
                yield pipeline

    def _named_in(self, event: dict[str, Any]) -> str:
        """Return the name of the job in an event; the one that lives if a poll failed."""
        job = event.get("job") or self._live_as_asked()
        if not job:
            raise AirflowException(f"waiting for the job failed: {event.get('message')}")
        return str(job["name"])

    def _get(self, name: str) -> dict[str, Any]:
        client = self.client(name.split("/")[3])
        return client.call(self._jobs(client).get(name=name))

    def _cancel_live(self, reason: str) -> None:
        for client in self.clients(self._regions()):
            for pipeline in self._live(client):
                self._cancel(client, pipeline["name"], reason)

    def _cancel(self, client: vertex.Vertex, name: str, reason: str) -> None:
        self.log.warning("Cancelling %s: %s", name, reason)
        client.call(self._jobs(client).cancel(name=name, body={}))

    def _jobs(self, client: vertex.Vertex) -> Any:
        return getattr(client.locations, self.collection)()

    def _regions(self) -> list[str]:
        """Return every region a job of this task may run in."""
        return [self.region, *(o["region"] for o in self.fallback or [] if "region" in o)]


def _choice(pipeline: dict[str, Any]) -> int:
    """Return which choice a job was launched with: 0 as asked, n the n-th fallback."""
    return int((pipeline.get("labels") or {}).get(CHOICE_LABEL, 0))


def _timed_out(next_kwargs: dict[str, Any] | None) -> bool:
    """Whether Airflow resumes a task because its time is up; both lines say so in words."""
    return "timeout" in str((next_kwargs or {}).get("error", "")).lower()
