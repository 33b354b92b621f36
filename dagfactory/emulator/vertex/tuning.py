"""HyperparameterTuningJobs: trials as custom jobs, a few at a time; suggestions are drawn at random.

What a Bayesian service would suggest depends on the results; here only the mechanics are real: the
arguments and directories of a trial, its metric file, states, and the measurements that come back.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2, struct_pb2

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.local_job import CANCELLED, JobOutcome
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.protos import VERTEX, enum_value, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names, study
from dagfactory.emulator.vertex.custom_jobs import CustomJobs
from dagfactory.emulator.vertex.job_routes import job_routes
from dagfactory.emulator.vertex.job_states import require_live, set_state, state_of
from dagfactory.emulator.vertex.listing import fill_page

SERVICE = f"{VERTEX}.JobService"
METRIC_FILE = "CLOUD_ML_HP_METRIC_FILE"


class TuningJobs:
    """The hyperparameter tuning jobs of JobService; `directory` holds the trials' metric files."""

    def __init__(
        self, store: ResourceStore, jobs: CustomJobs, directory: Path, faults: Faults
    ) -> None:
        self._store, self._jobs, self._directory = store, jobs, directory
        self._faults = faults

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        return job_routes(SERVICE, "HyperparameterTuningJob", self)

    def create(self, request: Any) -> Any:
        """Create a job and start its first trials."""
        job = request.hyperparameter_tuning_job
        trial = vertex("CustomJob", job_spec=job.trial_job_spec)
        self._jobs.check(request.parent, trial, job)
        _check(job)
        job.name = self._store.new_name(request.parent, "hyperparameterTuningJobs")
        set_state(job, "JobState", "RUNNING", None)
        job.create_time.CopyFrom(job.update_time)
        with self._store.transaction():
            self._store.put(job.name, job)
            for _ in range(min(job.parallel_trial_count, job.max_trial_count)):
                self._next_trial(job.name)
            return self._store.get(job.name)

    def get(self, request: Any) -> Any:
        """Return a job."""
        return self._store.get(request.name)

    def list_page(self, request: Any) -> Any:
        """Return a page of jobs."""
        found = self._store.below(request.parent, "hyperparameterTuningJobs")
        response = vertex("ListHyperparameterTuningJobsResponse")
        return fill_page(response, "hyperparameter_tuning_jobs", found, request)

    def cancel(self, request: Any) -> Any:
        """Ask the job to end: no trial starts any more, those that run are cancelled."""
        with self._store.edit(request.name) as job:
            require_live(job)
            set_state(job, "JobState", "CANCELLING", None)
        self._end_trials(job)
        return empty_pb2.Empty()

    def _next_trial(self, name: str) -> None:
        """Launch the next trial, or end the job when the last one has ended or too many failed."""
        job = self._store.get(name)
        infeasible = enum_value(f"{VERTEX}.Trial.State", "INFEASIBLE")
        failed = sum(trial.state == infeasible for trial in job.trials)
        too_many = 0 < job.max_failed_trial_count <= failed < job.max_trial_count
        if too_many and state_of(job) == "RUNNING":
            self._fail(name, f"{failed} trials failed.")
            return
        started, open_ = len(job.trials), [t for t in job.trials if not t.HasField("end_time")]
        if state_of(job) == "RUNNING" and started < job.max_trial_count:
            self._launch(job, str(started + 1))
        elif not open_ and state_of(job) not in FINAL:
            self._end(name)

    def _launch(self, job: Any, number: str) -> None:
        trial = vertex("Trial", id=number, name=f"{job.name}/trials/{number}")
        trial.state = enum_value(f"{VERTEX}.Trial.State", "ACTIVE")
        trial.start_time.GetCurrentTime()
        for parameter, value in study.suggest(job.study_spec, int(number)).items():
            trial.parameters.add(parameter_id=parameter).value.CopyFrom(_value(value))
        launched = self._jobs.launch(
            resource_names.parent(job.name),
            self._trial_job(job, trial),
            lambda state, _outcome: self._follow(job.name, number, state),
        )
        trial.custom_job = launched.name
        with self._store.edit(job.name) as stored:
            stored.trials.append(trial)

    def _trial_job(self, job: Any, trial: Any) -> Any:
        """Return the custom job of a trial: its arguments, its directory, its metric file."""
        ending = f"-{trial.id}"
        name = job.display_name[: resource_names.DISPLAY_LENGTH - len(ending)]
        made = vertex("CustomJob", display_name=name + ending)
        made.labels.update(job.labels)
        made.job_spec.CopyFrom(job.trial_job_spec)
        place = made.job_spec.base_output_directory
        if place.output_uri_prefix:
            place.output_uri_prefix = f"{place.output_uri_prefix.rstrip('/')}/{trial.id}"
        arguments = [f"--{name}={value}" for name, value in self._arguments(job, trial)]
        for pool in made.job_spec.worker_pool_specs:
            part = getattr(pool, pool.WhichOneof("task"))
            part.args.extend(arguments)
            part.env.add(name="CLOUD_ML_TRIAL_ID", value=trial.id)
            part.env.add(name=METRIC_FILE, value=str(self._metric_file(job.name, trial.id)))
        return made

    def _arguments(self, job: Any, trial: Any) -> Iterator[tuple[str, str]]:
        specs = {each.parameter_id: each for each in study.parameters(job.study_spec.parameters)}
        for parameter in trial.parameters:
            kind = specs[parameter.parameter_id].WhichOneof("parameter_value_spec")
            # kuds/mesozoic-labs#127 saw --batch_size=128.0 of a DISCRETE parameter
            pointed = kind == "discrete_value_spec" and self._faults.float_values()
            number = parameter.value.number_value
            yield parameter.parameter_id, str(number) if pointed else _text(parameter.value)

    def _metric_file(self, name: str, trial: str) -> Path:
        path = self._directory / resource_names.last(name) / f"{trial}.metrics"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _follow(self, name: str, number: str, state: str) -> None:
        """Take over how a trial ended, with its last measurement, and start the next one."""
        if state not in FINAL:
            return
        with self._store.transaction():
            with self._store.edit(name) as job:
                trial = next(each for each in job.trials if each.id == number)
                trial.end_time.GetCurrentTime()
                measured = _measurement(self._metric_file(name, number), job.study_spec)
                if state == "SUCCEEDED" and measured is not None:
                    trial.final_measurement.CopyFrom(measured)
                good = state == "SUCCEEDED" and measured is not None
                word = "SUCCEEDED" if good else "INFEASIBLE"
                trial.state = enum_value(f"{VERTEX}.Trial.State", word)
            self._next_trial(name)

    def _end(self, name: str) -> None:
        with self._store.edit(name) as job:
            if state_of(job) == "CANCELLING":
                set_state(job, "JobState", "CANCELLED", CANCELLED)
                return
            if any(trial.HasField("final_measurement") for trial in job.trials):
                set_state(job, "JobState", "SUCCEEDED", None)
                return
        self._fail(name, "All trials failed: none reported the metric.")

    def _fail(self, name: str, message: str) -> None:
        with self._store.edit(name) as job:
            set_state(job, "JobState", "FAILED", JobOutcome("FAILED", "INTERNAL", message))
        # by a thread of its own: this one holds the lock of a trial's job, and others hold theirs
        threading.Thread(target=self._end_trials, args=(job,), daemon=True).start()

    def _end_trials(self, job: Any) -> None:
        for trial in job.trials:
            if not trial.HasField("end_time"):
                self._jobs.end(trial.custom_job)


def _check(job: Any) -> None:
    """Refuse what Vertex refuses; raises INVALID_ARGUMENT."""
    if job.max_trial_count < 1 or job.parallel_trial_count < 1:
        raise ApiError("INVALID_ARGUMENT", "max_trial_count and parallel_trial_count are required.")
    study.check(job.study_spec)


def _value(value: Any) -> Any:
    text = isinstance(value, str)
    return struct_pb2.Value(string_value=value) if text else struct_pb2.Value(number_value=value)


def _text(value: Any) -> str:
    """Write a parameter's value as the service does: whole numbers without a point."""
    if value.WhichOneof("kind") == "string_value":
        return str(value.string_value)
    number = value.number_value
    return str(int(number)) if number.is_integer() else str(number)


def _measurement(path: Path, spec: Any) -> Any:
    """Return the last line of a metric file that holds the study's metric, None without one."""
    name = spec.metrics[0].metric_id
    lines = path.read_text().splitlines() if path.exists() else []
    found = [line for line in map(json.loads, lines) if name in line]
    if not found:
        return None
    made = vertex("Measurement", step_count=int(found[-1].get("global_step") or 0))
    made.metrics.add(metric_id=name, value=float(found[-1][name]))
    return made
