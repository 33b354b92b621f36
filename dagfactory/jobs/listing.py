"""A list of jobs as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.terminal import safe
from dagfactory.jobs.job import Job

HEAD = ("STATE", "PIPELINE", "TASK", "RUN", "MACHINE", "PROVISIONING", "REGION", "SINCE", "JOB")


def text(jobs: Sequence[Job], encoding: str) -> str:
    """Return the jobs in columns."""
    lines = table(HEAD, [tuple(safe(each, encoding) for each in _row(job)) for job in jobs])
    return "\n".join([*lines, ""])


def _row(job: Job) -> tuple[str, ...]:
    since = job.since[:19].replace("T", " ")
    what = (job.state, job.pipeline, job.task, job.run, job.machine)
    return (*what, job.provisioning, job.region, since, job.id)


def as_json(jobs: Sequence[Job]) -> str:
    """Return the jobs as JSON."""
    return json.dumps([each.record() for each in jobs], indent=2) + "\n"
