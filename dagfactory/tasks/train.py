"""`train`: run a program on Vertex AI with checkpoints, Spot or flex-start, and fallback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dagfactory.language.job import JobTask
from dagfactory.task_api.job import job_arguments, job_outputs
from dagfactory.task_api.job_problems import job_problems
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Train(JobTask):
    """Run a training program as a Vertex AI job; a retry resumes from its checkpoints."""

    type: Literal["train"]


def outputs(_task: Train, context: TaskContext) -> dict[str, str]:
    """Offer the directories and files that Vertex derives from the job's base directory."""
    return job_outputs(context.dir)


def lower(task: Train, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the job's operator."""
    symbol = lowering.runtime("job", "VertexJobOperator")
    return context.operator(symbol, job_arguments(task, lowering, context))


def problems(
    task: Train, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find what a job lacks."""
    yield from job_problems(task, pipeline, environment)


TASK_TYPE = TaskType(Train, lower, outputs=outputs, problems=problems)
