"""A run of a compiled pipeline on Vertex AI Pipelines: launched once, found again by its labels."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import AirflowFailException

from . import jobspec, jobstate, links, observability, session, triggers, vertex
from . import pipeline_template as templates
from .base import VertexOperator
from .launched import LaunchedJobOperator
from .native import NativeOperator
from .taskjobs import Job

LONGEST_ID = 100
MOST_REASONS = 5


class PipelineRunOperator(NativeOperator, LaunchedJobOperator):
    """Run a compiled pipeline and wait for it without holding a worker slot.

    ``template`` is the address of a PipelineSpec, as JSON or YAML; it is read when the task runs.
    ``parameters`` become the types that the template declares. ``root`` is the folder of its artifacts;
    ``caching`` overrides what the template says of each task, None leaves it. XCom:
    ``{"job", "state", "outputs"}`` with the declared outputs of the pipeline by name, and ``metrics``,
    those of them that are numbers.

    A failed run raises AirflowException, a retry launches another one; a parameter that does not fit
    and a request that repeating cannot mend raise AirflowFailException.
    """

    template_fields: Sequence[str] = (
        *VertexOperator.template_fields,
        "template",
        "parameters",
        "root",
        "labels",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"parameters": "json", "labels": "json"}
    ui_color = "#d2e3fc"
    operator_extra_links = links.offered(links.PIPELINE, links.FOLDER)
    collection: ClassVar[str] = "pipelineJobs"
    trigger: ClassVar[str] = triggers.PIPELINE_RUN
    console_page: ClassVar[str] = "pipelines/runs"

    def __init__(  # noqa: PLR0913 - one keyword per field of the task
        self,
        *,
        template: str,
        root: str,
        parameters: dict[str, Any] | None = None,
        caching: bool | None = None,
        failure_policy: str | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        network: str | None = None,
        kms_key: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.template = template
        self.root = root
        self.parameters = parameters
        self.caching = caching
        self.failure_policy = failure_policy
        self.labels = labels
        self.service_account = service_account
        self.network = network
        self.kms_key = kms_key

    def fingerprint(self) -> str:
        """Return a hash of the template's address, the parameters and how the pipeline runs."""
        asked = (self.template, self.parameters, self.root, self.caching, self.failure_policy)
        return jobspec.fingerprint({"pipeline": list(asked)})

    def launch(self, context: Any) -> NoReturn:
        """Create the run and wait for it."""
        client, body = self.client(), self._body(context)
        # One more than there are: a request that two processes send creates one run. A retry, or a
        # cleared task, gets a run of its own.
        number = 1 + sum(1 for _ in self._jobs.every())
        with self._none_left_when_killed():
            created = self._create(client, body, self._run_id(context, number))
            # where one of several was deleted, the number is that of the last one, which has ended
            while not jobstate.is_under_way(created):
                number += 1
                created = self._create(client, body, self._run_id(context, number))
        self._announce(created)
        self._wait(created)

    def _create(self, client: vertex.VertexClient, body: dict[str, Any], run_id: str) -> Job:
        """Create a run, or return the one that has its id."""
        try:
            return client.create_once(
                f"{client.parent}/{self.collection}",
                body,
                lambda: next(filter(jobstate.is_under_way, self._jobs.of_region(client)), None),
                pipelineJobId=run_id,
            )
        except (session.HttpError, OSError) as error:
            if session.status_of(error) == HTTPStatus.CONFLICT:
                return self._get(f"{client.parent}/{self.collection}/{run_id}")
            vertex.raise_failure(error, f"the pipeline of task {self.task_id}")

    def look_in(self, job: Job) -> NoReturn:
        """Wait on."""
        self._wait(job)

    def outcome(self, context: Any, job: Job) -> dict[str, Any]:
        """Return the outputs of a run that has succeeded, or raise."""
        observability.ended(self, context, job, lambda _: None)
        if jobstate.state_of(job) == jobstate.SUCCEEDED:
            return self.finished(job)
        for reason in _reasons(job)[:MOST_REASONS]:
            self.log.error("%s", reason)
        raise self._failure(job)

    def finished(self, job: Job) -> dict[str, Any]:
        """Return the result of a run that has succeeded."""
        details = (job.get("jobDetail") or {}).get("taskDetails") or []
        outputs = templates.returned(job["pipelineSpec"], details)
        found = {"job": job["name"], "state": job["state"], "outputs": outputs}
        numbers = {name: value for name, value in outputs.items() if _is_number(value)}
        return found | ({"metrics": numbers} if numbers else {})

    def _body(self, context: Any) -> dict[str, Any]:
        """Return the PipelineJob; raises AirflowFailException for what cannot become one."""
        template = self._read()
        try:
            values = templates.values(template, self.parameters or {})
        except templates.UnfitError as error:
            raise AirflowFailException(f"{self.template}: {error}") from error
        optional = {
            "serviceAccount": self.service_account,
            "network": self.network,
            "encryptionSpec": self.kms_key and {"kmsKeyName": self.kms_key},
        }
        runtime = {"gcsOutputDirectory": self.root, "parameterValues": values}
        policy = {"failurePolicy": self.failure_policy} if self.failure_policy else {}
        return {
            "displayName": self._display_name(context),
            "labels": self._labels(),
            "pipelineSpec": templates.with_caching(template, caching=self.caching),
            "runtimeConfig": runtime | policy,
            **{key: value for key, value in optional.items() if value},
        }

    def _read(self) -> dict[str, Any]:
        """Return the template; raises AirflowFailException where there is none."""
        try:
            with vertex.translated_errors(), self.store().open(self.template) as file:
                return templates.parse(file.read().decode())
        except (templates.UnfitError, ValueError) as error:
            raise AirflowFailException(f"{self.template}: {error}") from error

    def _run_id(self, context: Any, number: int) -> str:
        """Return the id of the n-th run of this task: the same for every process that would make it."""
        ti = context["ti"]
        words = re.sub(r"[^a-z0-9]+", "-", f"{ti.dag_id}-{ti.task_id}".lower()).strip("-")
        own = f"{ti.dag_id}\0{ti.task_id}\0{ti.run_id}\0{ti.map_index}"
        digest = hashlib.sha256(own.encode()).hexdigest()[:16]
        return f"{words[:LONGEST_ID]}-{digest}-{number}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reasons(job: Job) -> list[str]:
    """Return what the tasks of a failed run say, each in one line."""
    details = (job.get("jobDetail") or {}).get("taskDetails") or []
    told = [(each.get("taskName"), (each.get("error") or {}).get("message")) for each in details]
    return [f"{task}: {message}" for task, message in told if message]
