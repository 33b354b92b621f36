"""All of Vertex AI's methods, wired to one store and one queue of jobs."""

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.local_job import STOPPED, JobOutcome
from dagfactory.emulator.jobs.runner import Runner
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.metadata import service as metadata
from dagfactory.emulator.options import Options
from dagfactory.emulator.pipelines.pipeline_jobs import PipelineJobs
from dagfactory.emulator.pipelines.schedules import Schedules
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.custom_jobs import CustomJobs
from dagfactory.emulator.vertex.endpoints import Endpoints
from dagfactory.emulator.vertex.job_deletions import JobDeletions
from dagfactory.emulator.vertex.job_rules import JobRules
from dagfactory.emulator.vertex.job_states import set_state, state_of
from dagfactory.emulator.vertex.models import Models
from dagfactory.emulator.vertex.online_predictions import OnlinePredictions
from dagfactory.emulator.vertex.operations import Operations
from dagfactory.emulator.vertex.pipelines import Pipelines
from dagfactory.emulator.vertex.prediction_data import PredictionData
from dagfactory.emulator.vertex.predictions import Predictions
from dagfactory.emulator.vertex.project_numbers import ProjectNumbers
from dagfactory.emulator.vertex.tuning import TuningJobs

_STATES = {
    "CustomJob": "JobState",
    "HyperparameterTuningJob": "JobState",
    "BatchPredictionJob": "JobState",
    "TrainingPipeline": "PipelineState",
    "PipelineJob": "PipelineState",
}


def methods(options: Options, runner: Runner, faults: Faults, data: PredictionData) -> list[Method]:
    """Return the route table of Vertex AI over the resources kept in STATE/vertex."""
    state, entrypoints = options.state, options.entrypoints
    store = ResourceStore(state / "vertex")
    _end_orphans(store)
    operations = Operations(store)
    models = Models(store, operations)
    jobs = CustomJobs(store, runner, faults, entrypoints, JobRules(state, options.machines))
    pipeline_jobs = PipelineJobs(store, jobs, operations, faults, state / "gcs")
    schedules = Schedules(store, pipeline_jobs, operations)
    runner.before_close += [schedules.close, pipeline_jobs.close]
    parts = (
        jobs,
        Pipelines(store, jobs, models, operations, faults),
        pipeline_jobs,
        schedules,
        TuningJobs(store, jobs, state / "tuning", faults),
        models,
        Predictions(store, models, runner, entrypoints, data),
        JobDeletions(store, operations),
        Endpoints(store, models, operations),
        OnlinePredictions(store, models, entrypoints, options.workdir, runner.env),
        operations,
    )
    numbers = ProjectNumbers(store.names(), in_answers=options.project_numbers)
    rows = [row for part in parts for row in part.methods()]
    return [numbers.around(row) for row in (*rows, *metadata.methods(store, operations))]


def _end_orphans(store: ResourceStore) -> None:
    """Mark what an earlier emulator left unfinished (it was killed) as failed."""
    for name in store.names():
        message = store.get(name)
        kind = _STATES.get(message.DESCRIPTOR.name)
        if kind is not None and state_of(message) not in FINAL:
            with store.edit(name) as stored:
                set_state(stored, kind, "FAILED", JobOutcome("FAILED", "INTERNAL", STOPPED))
