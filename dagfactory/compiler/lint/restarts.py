"""How a job survives preemption: restarts of Vertex AI inside an attempt, Airflow's retries around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._jobs import Job, jobs
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.task_api.job_code import job_code
from dagfactory.task_api.trainer_jobs import runs_bundled_trainer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.job import JobTask

MOST = 5
"""Retries of a Spot job that are not worth a word: Vertex itself restarts a worker up to five times."""

_TRAINING = ("train", "sweep")
_CHECKPOINTS = re.compile(r"checkpoint|ckpt|resum|restor", re.IGNORECASE)
_OF_OTHERS = re.compile(r"\$\{tasks\.[^}]*\}")
"""A checkpoint of another task is where a job begins, not where it goes on."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find Spot jobs that end with a preemption, and those that start again too often."""
    for job in jobs(plan):
        if job.spot and not job.task.restart:
            yield Diagnostic(
                "DF305",
                "this job runs on Spot and ends with its first preemption",
                Pointer((*job.item.path, "restart")),
                help="write `restart: true`: Vertex AI then restarts it in place",
                severity="warning",
            )
        elif job.spot:
            yield from _many_retries(plan, job)
            yield from _from_scratch(plan, job)


def _many_retries(plan: Plan, job: Job) -> Iterator[Diagnostic]:
    attempts, path = _attempts(plan, job)
    if attempts > MOST:
        yield Diagnostic(
            "DF306",
            f"{attempts} retries of a Spot job, each with the restarts of Vertex AI on top",
            Pointer(path),
            help=f"{MOST} or fewer: a preempted job restarts without a retry",
            notes=("Vertex AI restarts a worker up to 5 times and the job up to 3 times",),
            severity="warning",
        )


def _from_scratch(plan: Plan, job: Job) -> Iterator[Diagnostic]:
    """Find training that, for all that is written, each preemption begins anew."""
    task = job.task
    # who writes the default out says that the program resumes, or that starting over is cheap
    stated = "restart" in task.model_fields_set
    if task.type in _TRAINING and not (stated or _resumes(plan, task)):
        yield Diagnostic(
            "DF316",
            "this job runs on Spot, and nothing says that a preempted one goes on where it was",
            Pointer(job.item.path, key=True),
            help="pass it where its checkpoints are; `restart: true` says that it needs no telling",
            notes=("Vertex AI sets `AIP_CHECKPOINT_DIR`, the same folder after every restart",),
            severity="warning",
        )


def _resumes(plan: Plan, task: JobTask) -> bool:
    """Whether a job runs our trainer, which resumes by itself, or is told or knows of checkpoints."""
    if runs_bundled_trainer(task, plan.pipeline):
        return True
    values = [*task.positional, *task.args.values(), *task.env.values()]
    texts = [*task.args, *task.env, *map(str, values)]
    given = (_OF_OTHERS.sub("", each) for each in (*texts, *(task.command or ())))
    sources = job_code(task, plan.pipeline).sources.values()
    own = (content.decode("utf-8", "replace") for content in sources)
    return any(map(_CHECKPOINTS.search, (*given, *own)))


def _attempts(plan: Plan, job: Job) -> tuple[int, KeyPath]:
    """Return the retries of a job and where they are set."""
    own, default = job.task.retries, plan.pipeline.defaults.retries
    if own and own.attempts is not None:
        return own.attempts, (*job.item.path, "retries", "attempts")
    return (default and default.attempts) or 0, ("defaults", "retries", "attempts")
