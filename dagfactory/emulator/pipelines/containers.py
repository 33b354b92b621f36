"""One task of a pipeline: its container as a custom job, or the artifact of an importer."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagfactory.emulator.jobs.local_job import JobOutcome
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.pipelines.placeholders import Places, command, filled
from dagfactory.emulator.pipelines.task_details import TaskDetails
from dagfactory.emulator.pipelines.template import definitions
from dagfactory.emulator.pipelines.values import Ended, PipelineError, Tree, Values, as_text, typed
from dagfactory.emulator.protos import vertex
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.custom_jobs import CustomJobs

LARGEST = 1_000_000
# https://cloud.google.com/vertex-ai/docs/pipelines/machine-types: the default of a task
MACHINE = "e2-standard-4"


class Containers:
    """Runs the executors of one pipeline, whose facts `places` has."""

    def __init__(
        self, jobs: CustomJobs, details: TaskDetails, storage: Path, places: Places
    ) -> None:
        self._jobs, self._details = jobs, details
        self._storage, self._places = storage, places
        self._live: set[str] = set()
        self._lock, self._ended = threading.Lock(), False

    def execute(
        self, number: int, name: str, component: Tree, executor: Tree, inputs: Values
    ) -> Ended:
        """Run an executor; raises PipelineError for what its template gets wrong."""
        if "importer" in executor:
            return Ended("SUCCEEDED", _imported(component, executor["importer"], inputs))
        places = self._places_of(number, name, component)
        message = _custom_job(name, executor["container"], inputs, places)
        for file in (*places.parameters.values(), places.output_file):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).unlink(missing_ok=True)  # an attempt that failed wrote it
        for artifact in places.artifacts.values():
            Path(self._local(artifact["uri"])).parent.mkdir(parents=True, exist_ok=True)
        outcome = self._run(number, message)
        if outcome.state != "SUCCEEDED":
            # a job that somebody else has cancelled fails its task
            state = "CANCELLED" if self._ended else "FAILED"
            return Ended(state, error=outcome.message)
        return Ended("SUCCEEDED", _written(component, places))

    def end(self) -> None:
        """Have every job end, and let no other begin."""
        with self._lock:
            self._ended, live = True, list(self._live)
        for name in live:
            self._jobs.end(name)

    def _run(self, number: int, message: Any) -> JobOutcome:
        outcomes: list[JobOutcome] = []
        done = threading.Event()

        def watch(state: str, outcome: JobOutcome | None) -> None:
            if state in FINAL:
                outcomes.append(outcome or JobOutcome(state))
                done.set()

        with self._lock:
            if self._ended:
                return JobOutcome("CANCELLED")
            parent = resource_names.parent(self._places.facts["pipeline_job_resource_name"])
            name = self._jobs.launch(parent, message, watch).name
            self._live.add(name)
        self._details.launched(number, name)
        done.wait()
        with self._lock:
            self._live.discard(name)
        return outcomes[-1]

    def _places_of(self, number: int, name: str, component: Tree) -> Places:
        """Return where the outputs of a task go."""
        folder = f"{self._places.facts['pipeline_root']}/{name}_{number}"
        artifacts = {
            each: {
                "name": each,
                "uri": f"{folder}/{each}",
                "type": declared.get("artifactType", {}),
                "metadata": {},
            }
            for each, declared in definitions(component, "output", "artifacts").items()
        }
        parameters = {
            each: self._local(f"{folder}/{each}")
            for each in definitions(component, "output", "parameters")
        }
        facts = {**self._places.facts, "pipeline_task_name": name}
        facts |= {"pipeline_task_uuid": str(number)}
        file = self._local(f"{folder}/executor_output.json")
        return replace(
            self._places,
            facts=facts,
            parameters=parameters,
            artifacts=artifacts,
            output_file=file,
            local=self._local,
        )

    def _local(self, uri: str) -> str:
        """Return the file behind an object's address; raises PipelineError."""
        if not uri.startswith("gs://"):
            return uri
        path = (self._storage / uri.removeprefix("gs://")).resolve()
        if not path.is_relative_to(self._storage.resolve()):
            raise PipelineError(f"{uri!r} is not an address in Cloud Storage.")
        return str(path)


def _custom_job(name: str, container: Tree, inputs: Values, places: Places) -> Any:
    """Return the custom job that runs a container, as Vertex AI Pipelines makes one."""
    job = vertex("CustomJob", display_name=name[:128])
    job.job_spec.scheduling.disable_retries = True
    pool = job.job_spec.worker_pool_specs.add(replica_count=1)
    pool.machine_spec.machine_type = MACHINE
    pool.container_spec.image_uri = filled(container.get("image", ""), inputs, places)
    pool.container_spec.command.extend(command(container.get("command", []), inputs, places))
    pool.container_spec.args.extend(command(container.get("args", []), inputs, places))
    for variable in container.get("env", []):
        value = filled(as_text(variable.get("value", "")), inputs, places)
        pool.container_spec.env.add(name=variable["name"], value=value)
    return job


def _imported(component: Tree, importer: Tree, inputs: Values) -> Values:
    """Return the artifact of an importer."""
    source = importer.get("artifactUri", {})
    name = source.get("runtimeParameter", "")
    uri = inputs.parameters.get(name) if name else source.get("constant")
    if not isinstance(uri, str):
        raise PipelineError("An importer has no artifactUri.")
    kind, metadata = importer.get("typeSchema", {}), importer.get("metadata", {})
    return Values(
        {},
        {
            each: [{"name": each, "uri": uri, "type": kind, "metadata": metadata}]
            for each in definitions(component, "output", "artifacts")
        },
    )


def _written(component: Tree, places: Places) -> Values:
    """Return the outputs that a container has written; raises PipelineError."""
    told = _executor_output(Path(places.output_file))
    parameters = dict(told.get("parameterValues", {}))
    for name, declared in definitions(component, "output", "parameters").items():
        file = Path(places.parameters[name])
        if name not in parameters and file.is_file():
            parameters[name] = typed(_read(file), declared.get("parameterType", ""))
    artifacts = {}
    for name, artifact in places.artifacts.items():
        every = told.get("artifacts", {}).get(name, {}).get("artifacts", [{}])
        artifacts[name] = [{**artifact, **each} for each in every]
    return Values(parameters, artifacts)


def _executor_output(file: Path) -> Tree:
    if not file.is_file():
        return {}
    try:
        told = json.loads(_read(file))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise PipelineError("The executor output of a task is not a JSON object.")
    return told


def _read(file: Path) -> str:
    if file.stat().st_size > LARGEST:
        raise PipelineError(f"Output {file.name!r} is larger than {LARGEST} bytes.")
    return file.read_text(errors="replace")
