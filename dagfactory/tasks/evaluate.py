"""`evaluate`: measure a model on held-out data in a Vertex AI job that writes `metrics.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.job import JobTask, ModuleName
from dagfactory.task_api.job import job_arguments, job_outputs
from dagfactory.task_api.job_problems import job_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Evaluate(JobTask):
    """Evaluate a model; the job gets `--model=ADDRESS` and writes `metrics.json`."""

    type: Literal["evaluate"]
    model: Address = Field(
        description="Address of the model directory.", examples=["${tasks.train.model_dir}"]
    )
    module: ModuleName | None = Field(
        default="trainer.evaluate", description="Python module that evaluates."
    )


def outputs(_task: Evaluate, context: TaskContext) -> dict[str, str]:
    """Offer the directories and files that Vertex derives from the job's base directory."""
    return job_outputs(context.dir)


def lower(task: Evaluate, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the job's operator, with the model as its first argument."""
    with_model = task.model_copy(
        update={
            "args": {"model": task.model, **task.args},
            "module": None if task.command else task.module,
        }
    )
    symbol = lowering.runtime("job", "VertexJobOperator")
    return context.operator(symbol, job_arguments(with_model, lowering, context))


def problems(
    task: Evaluate, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find what a job lacks."""
    yield from job_problems(task, pipeline, environment)
    if "model" in task.args:
        message = "`model` is set by the task's own key"
        help_ = "leave it out of `args`"
        yield Diagnostic("DF207", message, Pointer(("args", "model"), key=True), help=help_)


TASK_TYPE = TaskType(Evaluate, lower, outputs=outputs, problems=problems)
