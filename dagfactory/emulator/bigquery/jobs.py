"""Jobs: their records, and the threads that carry them out.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
"""

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagfactory.emulator.bigquery.errors import BigQueryError, already_exists, not_found
from dagfactory.emulator.bigquery.job_execution import JobExecution, JobResult
from dagfactory.emulator.bigquery.warehouse import Warehouse
from dagfactory.emulator.faults import Faults

log = logging.getLogger(__name__)
LOCATION = "US"
_KINDS = ("query", "load", "extract", "copy")


@dataclass(slots=True)
class BigQueryJob:
    """One job from its insertion on. Times are milliseconds since 1970."""

    project: str
    id: str
    location: str
    configuration: dict[str, Any]
    created: int = 0
    ended: int = 0
    result: JobResult = field(default_factory=JobResult)
    error: BigQueryError | None = None
    cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    work: JobExecution | None = None

    @property
    def kind(self) -> str:
        """query, load, extract or copy."""
        return next(kind for kind in _KINDS if kind in self.configuration)

    @property
    def reference(self) -> dict[str, str]:
        """The job's `jobReference`."""
        return {"projectId": self.project, "jobId": self.id, "location": self.location}

    def resource(self) -> dict[str, Any]:
        """Return the job as jobs.get does."""
        times = {"creationTime": str(self.created), "startTime": str(self.created)}
        ended = {"endTime": str(self.ended)} if self.done.is_set() else {}
        base = f"https://bigquery.googleapis.com/bigquery/v2/projects/{self.project}/jobs/{self.id}"
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{self.location}.{self.id}",
            "selfLink": f"{base}?location={self.location}",
            "user_email": f"emulator@{self.project}.iam.gserviceaccount.com",
            "jobReference": self.reference,
            "configuration": self._configuration(),
            "statistics": {**times, **ended, **self.result.statistics},
            "status": self._status(),
        }

    def _configuration(self) -> dict[str, Any]:
        kind = self.kind
        made = {**self.configuration, "jobType": kind.upper()}
        if kind == "query" and self.result.destination is not None:
            table = self.result.destination.reference
            made["query"] = {**self.configuration["query"], "destinationTable": table}
        return made

    def _status(self) -> dict[str, Any]:
        if not self.done.is_set():
            return {"state": "RUNNING"}
        if self.error is None:
            return {"state": "DONE"}
        proto = self.error.as_proto()
        return {"state": "DONE", "errorResult": proto, "errors": [proto]}


class BigQueryJobs:
    """All jobs, those of earlier lives of the emulator included."""

    def __init__(self, warehouse: Warehouse, files: Path, faults: Faults) -> None:
        self._warehouse, self._files, self._faults = warehouse, files, faults
        self._jobs, self._lock = dict[tuple[str, str], BigQueryJob](), threading.Lock()

    def insert(self, project: str, body: Mapping[str, Any]) -> BigQueryJob:
        """Start a job; raises `duplicate` when its id was used, `invalid` when it is not one job."""
        reference = body.get("jobReference") or {}
        configuration = dict(body.get("configuration") or {})
        if sum(kind in configuration for kind in _KINDS) != 1:
            raise BigQueryError("invalid", "A job has one of query, load, extract and copy")
        name = str(reference.get("jobId") or f"job_{uuid4().hex}")
        job = BigQueryJob(
            project, name, reference.get("location") or LOCATION, configuration, _now()
        )
        job.work = JobExecution(self._warehouse, self._files, project, name)
        if configuration.get("dryRun"):
            self._carry_out(job)
            if job.error:
                raise job.error
            return job
        with self._lock:
            if (project, name) in self._jobs or self._recorded(project, name):
                raise already_exists("Job", f"{project}:{job.location}.{name}")
            self._jobs[project, name] = job
        threading.Thread(target=self._run, args=[job], name=f"bigquery {name}").start()
        return job

    def get(self, project: str, name: str) -> BigQueryJob:
        """Return a job; raises notFound."""
        job = self._jobs.get((project, name))
        if job is None:
            raise not_found("Job", f"{project}:{LOCATION}.{name}")
        return job

    def resource(self, project: str, name: str) -> dict[str, Any]:
        """Return a job's resource, also of an earlier life; raises notFound."""
        if (project, name) not in self._jobs and (known := self._recorded(project, name)):
            return known
        return self.get(project, name).resource()

    def all(self, project: str) -> list[BigQueryJob]:
        """Return the jobs of this life, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.project == project]

    def cancel(self, project: str, name: str) -> BigQueryJob:
        """Ask a job to stop."""
        job = self.get(project, name)
        job.cancelled = not job.done.is_set()
        if job.cancelled and job.work and job.work.cursor:
            job.work.cursor.interrupt()
        return job

    def _run(self, job: BigQueryJob) -> None:
        deadline = time.monotonic() + self._faults.queue_delay()
        while time.monotonic() < deadline and not job.cancelled:
            time.sleep(0.05)
        self._carry_out(job)
        with self._warehouse.transaction() as cursor:
            record = [job.project, job.id, json.dumps(job.resource())]
            cursor.execute("INSERT INTO jobs VALUES (?, ?, ?)", record)

    def _carry_out(self, job: BigQueryJob) -> None:
        try:
            if job.work and not job.cancelled:
                job.result = job.work.run(job.configuration)
            job.error = _stopped() if job.cancelled else None
        except BigQueryError as error:
            job.error = _stopped() if job.cancelled else error
        except KeyError as error:
            job.error = BigQueryError("invalid", f"Required parameter is missing: {error.args[0]}")
        except Exception as error:
            log.exception("job %s failed", job.id)
            # not internalError, which clients repeat for ten minutes
            job.error = BigQueryError("invalid", f"The emulator failed: {error!r}")
        job.ended = _now()
        job.done.set()
        log.info("job %s: %s", job.id, job.error.message if job.error else "done")

    def _recorded(self, project: str, name: str) -> dict[str, Any] | None:
        asked = "SELECT body FROM jobs WHERE project = ? AND id = ?"
        with self._warehouse.cursor() as cursor:
            found = cursor.execute(asked, [project, name]).fetchone()
        return dict(json.loads(found[0])) if found else None


def _stopped() -> BigQueryError:
    return BigQueryError("stopped", "Job execution was cancelled: User requested cancellation")


def _now() -> int:
    return time.time_ns() // 1_000_000
