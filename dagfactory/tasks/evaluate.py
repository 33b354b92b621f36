"""`evaluate`: measure a model on held-out data in a Vertex AI job that writes `metrics.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dagfactory.document.finding import Problem
from dagfactory.language.job import JobTask, ModuleName
from dagfactory.task_api.job import job_arguments, job_outputs
from dagfactory.task_api.job_problems import job_problems
from dagfactory.tasks._address import Address

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import Place, Scope


class Evaluate(JobTask):
    """Evaluate a model; the job gets `--model=ADDRESS` and writes `metrics.json`."""

    type: Literal["evaluate"]
    model: Address = Field(
        description="Address of the model directory.", examples=["${tasks.train.model_dir}"]
    )
    module: ModuleName | None = Field(
        default="trainer.evaluate", description="Python module that evaluates."
    )


MODEL = Evaluate


def outputs(_task: Evaluate, place: Place) -> dict[str, str]:
    """Offer the directories and files that Vertex derives from the job's base directory."""
    return job_outputs(place.dir)


def lower(task: Evaluate, scope: Scope, place: Place) -> Operator:
    """Return the job's operator, with the model as its first argument."""
    with_model = task.model_copy(
        update={
            "args": {"model": task.model, **task.args},
            "module": None if task.command else task.module,
        }
    )
    symbol = scope.runtime("job", "VertexJobOperator")
    return place.operator(symbol, job_arguments(with_model, scope, place))


def problems(
    task: Evaluate, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Problem]:
    """Find what a job lacks."""
    yield from job_problems(task, pipeline, environment)
    if "model" in task.args:
        message = "`model` is set by the task's own key"
        help_ = "leave it out of `args`"
        yield Problem("DF207", message, ("args", "model"), key=True, help=help_)
