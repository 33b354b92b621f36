"""Which jobs run the trainer that comes with dagfactory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.catalogue import bundled_trainer

if TYPE_CHECKING:
    from dagfactory.language.job import JobTask
    from dagfactory.language.pipeline import Pipeline


def runs_bundled_trainer(task: JobTask, pipeline: Pipeline) -> bool:
    """Whether a job runs a program of ours, by what its packages, image and project say."""
    artifacts = task.package or [task.image or pipeline.defaults.image or ""]
    return bundled_trainer.runs(task.module, task.command, artifacts, pipeline.packages)
