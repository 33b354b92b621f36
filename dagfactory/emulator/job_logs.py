"""Cloud Logging: entries.list over the logs of the jobs that have run here."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import Application, HttpRequest, HttpResponse, json_response
from dagfactory.emulator.identity import Identity

_JOB = re.compile(r'resource\.labels\.job_id="(\d+)"')
_SINCE = re.compile(r'timestamp>="([^"]+)"')


def service(jobs: Path, faults: Faults, identity: Identity) -> Application:
    """Return the service; `jobs` holds a folder with the logs of the attempts for each job."""

    def serve(request: HttpRequest) -> HttpResponse:
        try:
            identity.require(request.headers.get("authorization"))
            faults.fail_call("ListLogEntries")
            return json_response(_listed(jobs, request))
        except ApiError as error:
            return json_response(error.as_json(), error.http)

    return serve


def _listed(jobs: Path, request: HttpRequest) -> dict[str, Any]:
    if (request.method, request.path) != ("POST", "/v2/entries:list"):
        raise ApiError("NOT_FOUND", f"{request.method} {request.path}: only entries:list is here")
    body = request.json()
    job, since = _JOB.search(body.get("filter", "")), _SINCE.search(body.get("filter", ""))
    if job is None:
        raise ApiError(
            "INVALID_ARGUMENT", "Only the entries of one resource.labels.job_id are here"
        )
    kept = [each for each in _entries(jobs / job[1]) if not since or each["timestamp"] >= since[1]]
    begin, size = int(body.get("pageToken") or 0), int(body.get("pageSize") or 50)
    rest = {"nextPageToken": str(begin + size)} if begin + size < len(kept) else {}
    return {"entries": kept[begin : begin + size], **rest}


def _entries(job: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a job's attempts; the time of a line is made up, in their order."""
    number = 0
    for path in sorted(
        job.glob("attempt-*.log"), key=lambda each: int(each.stem.partition("-")[2])
    ):
        began = datetime.fromtimestamp((job / "pid").stat().st_mtime, UTC)
        for line in path.read_text(errors="replace").splitlines():
            number += 1
            moment = began + timedelta(microseconds=number)
            yield {
                "insertId": f"{job.name}-{number}",
                "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
                "severity": "INFO",
                "textPayload": line,
                "resource": {"type": "ml_job", "labels": {"job_id": job.name}},
            }
