"""How a job survives preemption: restarts of Vertex AI inside an attempt, Airflow's retries around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.lint._jobs import Job, jobs
from dagfactory.problems import Problem

if TYPE_CHECKING:
    from dagfactory.plan import Path, Plan

MOST = 5
"""Retries of a Spot job that are not worth a word: Vertex itself restarts a worker up to five times."""


def check(plan: Plan) -> Iterator[Problem]:
    """Find Spot jobs that end with a preemption, and those that start again too often."""
    for job in jobs(plan):
        if job.spot and not job.task.restart:
            yield Problem(
                "DF305",
                "this job runs on Spot and ends with its first preemption",
                (*job.item.path, "restart"),
                help="delete `restart: false`: Vertex AI then restarts it in place",
                severity="warning",
            )
        elif job.spot:
            yield from _too_many(plan, job)


def _too_many(plan: Plan, job: Job) -> Iterator[Problem]:
    attempts, path = _attempts(plan, job)
    if attempts > MOST:
        yield Problem(
            "DF306",
            f"{attempts} retries of a Spot job, each with the restarts of Vertex AI on top",
            path,
            help=f"{MOST} or fewer: a preempted job restarts without a retry",
            notes=("Vertex AI restarts a worker up to 5 times and the job up to 3 times",),
            severity="warning",
        )


def _attempts(plan: Plan, job: Job) -> tuple[int, Path]:
    """Return the retries of a job and where they are set."""
    own, default = job.task.retries, plan.pipeline.defaults.retries
    if own and own.attempts is not None:
        return own.attempts, (*job.item.path, "retries", "attempts")
    return (default and default.attempts) or 0, ("defaults", "retries", "attempts")
