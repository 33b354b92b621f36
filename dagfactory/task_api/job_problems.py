"""What a job needs beyond its own fields: an image, a machine, an environment to run in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.job import JobTask
    from dagfactory.language.pipeline import Pipeline


def job_problems(
    task: JobTask, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Yield what is missing before this job could start."""
    if not (task.image or pipeline.defaults.image):
        help_ = "add `image:` here or under `defaults:` for all jobs"
        yield Diagnostic("DF121", "missing key `image`", Pointer((), key=True), help=help_)
    if not (task.machine or pipeline.defaults.machine):
        help_ = "add `machine: {type: n1-standard-8}` here or under `defaults:`"
        yield Diagnostic("DF121", "missing key `machine`", Pointer((), key=True), help=help_)
    if environment is None:
        message = f"a `{task.type}` task needs an environment for its project, region and bucket"
        yield Diagnostic("DF113", message, Pointer((), key=True), help="choose one: --env NAME")
