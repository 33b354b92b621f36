"""One training job on Vertex AI: launched once, found again by its labels, with fallback machines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from . import (
    arguments,
    experiment,
    job_metrics,
    jobspec,
    jobstate,
    lineage,
    links,
    observability,
    program,
    session,
    stats,
    triggers,
    vertex,
)
from .awaited import HOUR
from .base import VertexOperator
from .placed import CHOICE_LABEL, PlacedJobOperator, age, choice_of
from .taskjobs import Job

LATER_LOOK = 300.0


class VertexJobOperator(PlacedJobOperator):
    """Run a CustomJobSpec on Vertex AI and wait for it without holding a worker slot.

    ``job`` is the CustomJobSpec in Vertex's JSON form, templated as a whole. A live job of the same
    dag, run, task and map index is attached to instead of launched again; one that was asked for
    differently is cancelled first. ``fallback`` lists overrides of the job as asked
    (``region``, ``strategy``, ``machineSpec``, ``scheduling``), tried one after the other when
    capacity is missing, at creation or later. ``arguments`` is the style in which the program reads its
    arguments: ``gnu``, ``argparse`` or ``hydra``. ``kms_key`` encrypts what the job writes. The job is a
    run of ``experiment`` in Vertex AI Experiments. ``outputs`` are returned in XCom:
    ``{"job", "state", "region", "strategy", "outputs", "metrics"}``.

    A failed job raises AirflowException, so that a retry resumes from its checkpoints; a request
    that repeating cannot mend raises AirflowFailException.
    """

    template_fields: Sequence[str] = (
        *VertexOperator.template_fields,
        "job",
        "labels",
        "fallback",
        "kms_key",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "job": "json",
        "labels": "json",
        "fallback": "json",
    }
    ui_color = "#d2e3fc"
    operator_extra_links = links.offered(links.JOB, links.LOGS, links.TENSORBOARD, links.FOLDER)
    collection: ClassVar[str] = "trainingPipelines"
    trigger: ClassVar[str] = triggers.PIPELINE

    def __init__(  # noqa: PLR0913 - one keyword per field of the task
        self,
        *,
        job: dict[str, Any],
        labels: dict[str, str] | None = None,
        fallback: list[dict[str, Any]] | None = None,
        arguments: str = arguments.GNU,
        kms_key: str | None = None,
        experiment: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # while the DAG file is parsed: a wrong key shows as an import error, not hours into a run
        jobspec.check_overrides(fallback or [])
        self.job = job
        self.labels = labels
        self.fallback = fallback
        self.arguments = arguments
        self.kms_key = kms_key
        self.experiment = experiment

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, *rest: Any, **named: Any
    ) -> Any:
        """Render a field; in the job's program a value keeps the spelling that a literal has."""
        env = jinja_env or self.get_template_env()
        made = super().render_template(content, context, env, *rest, **named)
        if not program.is_program(content):
            return made

        def text(source: str) -> Any:
            return super(VertexJobOperator, self).render_template(source, context, env)

        return {**made, **program.rendered(content, text, env, context, self.arguments)}

    # What is requested. Methods and not attributes: Airflow renders the templates after `__init__`,
    # and the subclasses derive their job from rendered fields.

    def requested_job(self) -> dict[str, Any]:
        """Return the CustomJobSpec to run."""
        return self.job

    def request_body(self, job: dict[str, Any], context: Any, choice: int) -> dict[str, Any]:
        """Return what is created in ``collection`` to run a CustomJobSpec."""
        name, labels = self._display_name(context), self._labels({CHOICE_LABEL: str(choice)})
        return jobspec.pipeline(name, job, labels, self.kms_key)

    def fingerprint(self) -> str:
        """Return a hash of the request: a job with another one does other work."""
        return jobspec.fingerprint(self.requested_job())

    def created_job(self, created: Job) -> dict[str, Any] | None:
        """Return the CustomJobSpec that Vertex AI made of the request, None while it is not known."""
        # The pipeline's own inputs repeat the request; the CustomJob behind it says what runs.
        behind = self._job_behind(created)
        return dict(behind["jobSpec"]) if behind else None

    def timed_out(self, ended: Job) -> bool:
        """Return whether a cancelled job had used up its ``scheduling.timeout``."""
        return jobstate.overran(self._job_behind(ended) or ended)

    def job_outputs(self) -> dict[str, Any]:
        """Return the addresses of what the job writes, for XCom."""
        return dict(jobspec.outputs(self.requested_job()))

    def writes(self) -> Iterable[str]:
        """Return the folders of the job: model and checkpoints."""
        outputs = self.job_outputs()
        return [outputs[name] for name in ("model_dir", "checkpoint") if name in outputs]

    def reads(self) -> Iterable[str]:
        """Return the addresses among the arguments and the environment of the job's programs."""
        job = self.requested_job()
        folder = (job.get("baseOutputDirectory") or {}).get("outputUriPrefix") or ""
        own = f"{folder.rstrip('/')}/"  # with the slash: `run-1` is not the folder of `run-10`
        given = [
            jobspec.program(pool).get(key)
            for pool in job["workerPoolSpecs"]
            for key in ("args", "env")
        ]
        return [each for each in lineage.addresses(given) if not f"{each}/".startswith(own)]

    # The life of the task: execute → (deferred) → resumed → result or next choice.

    def outcome(self, context: Any, job: Job) -> dict[str, Any]:
        """Return the result of a job that has ended, fall back or raise."""
        observability.ended(self, context, job, self._job_behind)
        cancelled = jobstate.state_of(job) == jobstate.CANCELLED
        given_up = self._given_up(job) if cancelled else ""
        if jobstate.state_of(job) == jobstate.SUCCEEDED:
            self._say_if_unverified(job)
            return self.finished(job)
        text, code = jobstate.error_text(job), (job.get("error") or {}).get("code")
        if given_up or jobstate.another_place_may_help(text, code):
            return self._next_choice(context, choice_of(job), given_up or text)
        experiment.log(self, self.experiment, self.failed_runs)
        raise self._failure(job)

    def finished(self, job: Job) -> dict[str, Any]:
        """Return the result of a job that has succeeded, once it stands in its experiment."""
        result = self._result(job)
        if not self.experiment:
            return result
        experiment.log(self, self.experiment, lambda: self.runs(job, result))
        return {**result, "experiment": self.experiment}

    def runs(self, job: Job, result: dict[str, Any]) -> Sequence[experiment.Run]:  # noqa: ARG002 - of subclasses
        """Return the runs of an experiment that a job with a result has been."""
        parameters = experiment.arguments_of(self.requested_job())
        return [
            experiment.Run({**parameters, **self.hyperparameters()}, result.get("metrics") or {})
        ]

    def failed_runs(self) -> Sequence[experiment.Run]:
        """Return the runs of an experiment that a failed job has been."""
        failed = self.runs({}, {})
        return [dataclasses.replace(run, state=experiment.FAILED) for run in failed]

    def hyperparameters(self) -> Mapping[str, Any]:
        """Return what a trial has got as values, which its arguments hold as texts."""
        return {}

    # Launching.

    def launch(self, context: Any) -> dict[str, Any]:
        """Create the job as it is asked for first, and wait for it."""
        return self._launch(context, 0)

    def _launch(self, context: Any, choice: int) -> dict[str, Any]:
        region, job = self._placement(choice)
        client = self.client(region)
        body = self.request_body(jobspec.as_sent(job), context, choice)
        with self._none_left_when_killed():
            created = self._create(client, body, choice)
        if isinstance(created, str):
            return self._next_choice(context, choice, created)
        self._announce(created)
        self._verify_early(created)
        return self._wait(created)

    def _create(self, client: vertex.VertexClient, body: dict[str, Any], choice: int) -> Job | str:
        """Create the job once; return Vertex AI's error text where another place may help."""
        try:
            return client.create_once(
                f"{client.parent}/{self.collection}",
                body,
                lambda: next(filter(jobstate.is_under_way, self._jobs.of_region(client)), None),
                jobstate.out_of_stock,
            )
        except (session.HttpError, OSError) as error:
            message = jobstate.explained(session.message_of(error))
            # A job that is refused as asked is a mistake of the spec, a fallback one place less.
            refused = choice > 0 and session.is_permanent(error)
            if refused or jobstate.another_place_may_help(message):
                return message
            vertex.raise_failure(error, f"the job of task {self.task_id}")

    def _next_choice(self, context: Any, choice: int, reason: str) -> dict[str, Any]:
        """Launch the next fallback; raise after the last one, naming what each place said."""
        # The job may exist all the same: behind an answer that was an error, or launched by a process
        # that died before Airflow heard of it.
        if earlier := self._found(context):
            return earlier
        overrides = [{}, *(self.fallback or [])]
        choice = min(choice, len(overrides) - 1)  # the spec may have become shorter
        place = json.dumps(overrides[choice]) if choice else "as asked"
        tried = self._notes["tried"] = [*self._notes.get("tried", []), [place, reason]]
        if choice + 1 >= len(overrides):
            raise self._nowhere(tried)
        stats.counted(stats.FALLBACKS, context["ti"])
        self.log.warning("No place (%s); falling back to %s", reason, overrides[choice + 1])
        return self._launch(context, choice + 1)

    def _nowhere(self, tried: list[list[str]]) -> AirflowException:
        """Return what to raise when no place is left."""
        count = f"{len(tried)} place(s) tried"
        places = "\n".join(f"{place}: {reason}" for place, reason in tried)
        if all(jobstate.is_refusal(reason) for _, reason in tried):
            refused = f"Vertex AI refused the job of task {self.task_id}"
            return AirflowFailException(f"{refused}, {count}:\n{places}")
        # Not a permanent failure: a retry, after Airflow's delay, begins with the first again.
        return AirflowException(f"No capacity for task {self.task_id}, {count}:\n{places}")

    def _placement(self, choice: int) -> tuple[str, dict[str, Any]]:
        """Return region and job of a choice: 0 is as asked, n applies the n-th fallback to that."""
        overrides = [{}, *(self.fallback or [])]
        override = overrides[min(choice, len(overrides) - 1)]  # the spec may have become shorter
        return override.get("region", self.region), jobspec.overridden(
            self.requested_job(), override
        )

    # What a live job is looked at for: its strategy, and how long it has waited for a machine.

    def look_in(self, job: Job) -> NoReturn:
        """Verify the strategy of a live job, give it up when it has waited too long, or wait on."""
        self._verify(job)
        left = self._patience_left(job)
        if left is not None and left <= 0:
            self._give_up(job)
        self._wait(job)

    def look_again_in(self, job: Job) -> float | None:
        """Return the seconds until a job has waited too long or may name the job behind it."""
        if self._given_up(job):
            return HOUR
        unverified = self._notes.get("unverified") and age(job) < HOUR
        limits = [self._patience_left(job), LATER_LOOK if unverified else None]
        return min((each for each in limits if each is not None), default=None)

    def _result(self, pipeline: dict[str, Any]) -> dict[str, Any]:
        region, job = self._placement(choice_of(pipeline))
        outputs = self.job_outputs()
        return {
            "job": pipeline["name"],
            "state": pipeline["state"],
            "region": region,
            "strategy": jobspec.strategy_of(job),
            "outputs": outputs,
            **job_metrics.written_metrics(
                self.store, outputs.get("metrics"), pipeline["createTime"], self.log
            ),
        }

    def regions(self) -> list[str]:
        """Return every region a job of this task may run in."""
        return [self.region, *(each["region"] for each in self.fallback or [] if "region" in each)]
