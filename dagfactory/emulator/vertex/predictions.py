"""BatchPredictionJobs: a local command stands in for the model's serving container.

It reads instances, one JSON value a line, and prints as many predictions, one JSON value a line.
https://cloud.google.com/vertex-ai/docs/predictions/get-batch-predictions
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.jobs.local_command import NoCommandError, serving_command
from dagfactory.emulator.jobs.local_job import JobOutcome, LocalJob
from dagfactory.emulator.jobs.runner import Runner
from dagfactory.emulator.protos import vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.custom_jobs import SERVICE
from dagfactory.emulator.vertex.job_routes import job_routes
from dagfactory.emulator.vertex.job_states import require_live, set_state
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.models import Models
from dagfactory.emulator.vertex.prediction_data import PredictionData

log = logging.getLogger(__name__)
_COLLECTION = "batchPredictionJobs"
_PIPE = 'exec "$@" < "$INSTANCES" > "$PREDICTIONS"'


class Predictions:
    """The batch predictions of JobService."""

    def __init__(
        self,
        store: ResourceStore,
        models: Models,
        runner: Runner,
        entrypoints: Mapping[str, str],
        data: PredictionData,
    ) -> None:
        self._store, self._models, self._runner = store, models, runner
        self._entrypoints, self._data = entrypoints, data

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        return job_routes(SERVICE, "BatchPredictionJob", self)

    def create(self, request: Any) -> Any:
        """Store a job and queue it; raises NOT_FOUND for its model or its instances."""
        job = request.batch_prediction_job
        resource_names.require_display_name(job)
        model = self._models.find(job.model)
        job.name = self._store.new_name(request.parent, _COLLECTION)
        job.model_version_id = model.version_id
        set_state(job, "JobState", "QUEUED", None)
        job.create_time.CopyFrom(job.update_time)
        folder = self._runner.directory / resource_names.last(job.name)
        folder.mkdir(parents=True, exist_ok=True)
        instances = self._data.instances(job.input_config)
        (folder / "instances.jsonl").write_text("".join(f"{line}\n" for line in instances))
        self._store.put(job.name, job)

        def report(state: str, outcome: JobOutcome | None) -> None:
            self._report(job.name, model.display_name, folder, state, outcome)

        self._runner.submit(self._local_job(job, model, folder), report)
        return self._store.get(job.name)

    def get(self, request: Any) -> Any:
        """Return a job."""
        return self._store.get(request.name)

    def list_page(self, request: Any) -> Any:
        """Return a page of jobs."""
        found = self._store.below(request.parent, _COLLECTION)
        response = vertex("ListBatchPredictionJobsResponse")
        return fill_page(response, "batch_prediction_jobs", found, request)

    def cancel(self, request: Any) -> Any:
        """Ask a job to end; raises FAILED_PRECONDITION when it has ended already."""
        require_live(self._store.get(request.name))
        self._runner.cancel(resource_names.last(request.name))
        return empty_pb2.Empty()

    def _local_job(self, job: Any, model: Any, folder: Path) -> LocalJob:
        place, container = resource_names.project_region(job.name), model.container_spec
        command, problem = None, ""
        try:
            serving = serving_command(container, self._entrypoints)
            command = ["sh", "-c", _PIPE, "predict", *serving]
        except NoCommandError as error:
            problem = str(error)
        return LocalJob(
            id=resource_names.last(job.name),
            project=place.project,
            region=place.region,
            command=command,
            problem=problem,
            env={
                **{each.name: each.value for each in container.env},
                "AIP_STORAGE_URI": model.artifact_uri,
                "INSTANCES": str(folder / "instances.jsonl"),
                "PREDICTIONS": str(folder / "predictions.jsonl"),
            },
            spot=False,
            restarts=0,
            retries=0,
            timeout=None,
            max_wait=None,
            places=(place.region,),
            record={"name": job.name, "model": job.model, "command": command},
        )

    def _report(
        self, name: str, model: str, folder: Path, state: str, outcome: JobOutcome | None
    ) -> None:
        info = None
        if state == "SUCCEEDED":
            try:
                info = self._written(self._store.get(name), model, folder)
            except (ApiError, ValueError) as error:
                state, outcome = "FAILED", JobOutcome("FAILED", "INVALID_ARGUMENT", str(error))
        with self._store.edit(name) as job:
            set_state(job, "JobState", state, outcome)
            if info is not None:
                job.output_info.CopyFrom(info)

    def _written(self, job: Any, model: str, folder: Path) -> Any:
        """Put instances and predictions together where the job wants them."""
        instances, predictions = (
            [json.loads(line) for line in (folder / f"{each}.jsonl").read_text().splitlines()]
            for each in ("instances", "predictions")
        )
        if len(instances) != len(predictions):
            message = f"{len(predictions)} predictions came for {len(instances)} instances."
            raise ValueError(message)
        stamp = f"{datetime.now(UTC):%Y_%m_%dT%H_%M_%S_%f}Z"
        label = f"{re.sub(r'[^a-zA-Z0-9]', '_', model)}_{stamp}"
        pairs = list(zip(instances, predictions, strict=True))
        return self._data.write(job, pairs, label, vertex("BatchPredictionJob.OutputInfo"))
