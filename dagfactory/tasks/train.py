"""`train`: run a program on Vertex AI with checkpoints, Spot or flex-start, and fallback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dagfactory.language.job import JobTask
from dagfactory.task_api.job import job_arguments, job_outputs
from dagfactory.task_api.job_problems import job_problems

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.document.finding import Problem
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import Place, Scope


class Train(JobTask):
    """Run a training program as a Vertex AI job; a retry resumes from its checkpoints."""

    type: Literal["train"]


MODEL = Train


def outputs(_task: Train, place: Place) -> dict[str, str]:
    """Offer the directories and files that Vertex derives from the job's base directory."""
    return job_outputs(place.dir)


def lower(task: Train, scope: Scope, place: Place) -> Operator:
    """Return the job's operator."""
    symbol = scope.runtime("job", "VertexJobOperator")
    return place.operator(symbol, job_arguments(task, scope, place))


def problems(
    task: Train, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Problem]:
    """Find what a job lacks."""
    yield from job_problems(task, pipeline, environment)
