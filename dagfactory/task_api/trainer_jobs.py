"""Which jobs run the trainer that comes with dagfactory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.catalogue import bundled_trainer
from dagfactory.language.job import is_local

if TYPE_CHECKING:
    from dagfactory.language.job import JobTask
    from dagfactory.language.pipeline import Pipeline


def runs_bundled_trainer(task: JobTask, pipeline: Pipeline) -> bool:
    """Whether a job runs a program of ours, by what its packages, image and project say."""
    if task.script:
        return False
    artifacts = task.package or [task.image or pipeline.defaults.image or ""]
    # a folder of the project holds what it holds, and Python here imports something else
    names = [f"{each}.whl" if task.package and is_local(each) else each for each in artifacts]
    return bundled_trainer.runs(task.module, task.command, names, pipeline.project.packages)
