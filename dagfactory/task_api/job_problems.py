"""What a job needs beyond its own fields: an image, a machine, an environment to run in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.job import PLAIN_NAME
from dagfactory.task_api.job_code import job_code

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.job import JobTask
    from dagfactory.language.pipeline import Pipeline

PREBUILT = (
    "us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest",
    "us-docker.pkg.dev/vertex-ai/training/tf-gpu.2-17.py310:latest",
    "us-docker.pkg.dev/vertex-ai/training/tf-cpu.2-17.py310:latest",
    "us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest",
    "us-docker.pkg.dev/vertex-ai/training/xgboost-cpu.2-1:latest",
)
"""https://docs.cloud.google.com/vertex-ai/docs/training/pre-built-containers"""


def job_problems(
    task: JobTask, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Yield what is missing before this job could start."""
    if not (task.image or pipeline.defaults.image):
        yield _no_image(task)
    if not (task.machine or pipeline.defaults.machine):
        help_ = "add `machine: {type: n1-standard-8}` here or under `defaults:`"
        yield Diagnostic("DF121", "missing key `machine`", Pointer((), key=True), help=help_)
    yield from _names(task)
    if environment is None:
        message = f"a `{task.type}` task needs an environment for its project, region and bucket"
        yield Diagnostic("DF113", message, Pointer((), key=True), help="choose one: --env NAME")
    yield from job_code(task, pipeline).problems


def _no_image(task: JobTask) -> Diagnostic:
    """Return what to write for an image: for code that is installed, one of Google's."""
    message, place = "missing key `image`", Pointer((), key=True)
    if task.script or task.package:
        help_ = f"add for example `image: {PREBUILT[0]}`, one of Google's prebuilt ones"
        notes = tuple(f"also {each}" for each in PREBUILT[1:])
        return Diagnostic("DF121", message, place, help_, notes)
    help_ = "add `image:` here or under `defaults:` for all jobs"
    return Diagnostic("DF121", message, place, help_)


def _names(task: JobTask) -> Iterator[Diagnostic]:
    """Find names of arguments that only Hydra reads."""
    if task.arguments == "hydra":
        return
    for section in ("args", "parameters"):
        for name in task.field(section) or ():
            if not PLAIN_NAME.fullmatch(name):
                message = f"`{name}` is not the name of an argument"
                help_ = "if the program reads Hydra's `name=value`, add `arguments: hydra`"
                yield Diagnostic("DF123", message, Pointer((section, name), key=True), help=help_)
