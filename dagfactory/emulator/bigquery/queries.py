"""jobs.query, jobs.getQueryResults and tabledata.list: rows, page by page."""

from collections.abc import Mapping
from typing import Any

from dagfactory.emulator.bigquery.identifiers import TableName
from dagfactory.emulator.bigquery.jobs import BigQueryJob, BigQueryJobs
from dagfactory.emulator.bigquery.values import rows
from dagfactory.emulator.bigquery.warehouse import Table, Warehouse
from dagfactory.emulator.http_server import HttpRequest

PAGE = 20_000
DEFAULT_WAIT_MS = 10_000
_OUTSIDE = ("dryRun", "labels", "jobTimeoutMs")  # of a query request: fields of the job
_NOT_CONFIGURATION = ("kind", "location", "requestId", "maxResults", "timeoutMs", "formatOptions")


class Queries:
    """Queries and their results."""

    def __init__(self, warehouse: Warehouse, jobs: BigQueryJobs) -> None:
        self._warehouse, self._jobs = warehouse, jobs

    def query(self, project: str, request: HttpRequest) -> dict[str, Any]:
        """Run a query and wait for it, at most `timeoutMs`; raises the job's error."""
        body = request.json()
        query = {k: v for k, v in body.items() if k not in (*_OUTSIDE, *_NOT_CONFIGURATION)}
        outside = {key: body[key] for key in _OUTSIDE if key in body}
        made = {"configuration": {"query": query, **outside}, "jobReference": {}}
        if "location" in body:
            made["jobReference"] = {"location": body["location"]}
        job = self._jobs.insert(project, made)
        asked = {**body, **(body.get("formatOptions") or {})}
        return {**self._answer(job, asked), "kind": "bigquery#queryResponse"}

    def results(self, project: str, name: str, request: HttpRequest) -> dict[str, Any]:
        """Return a page of a query's rows; raises notFound, and the job's error."""
        asked = {each.rpartition(".")[2]: request.arg(each) for each in request.query}
        job = self._jobs.get(project, name)
        return {**self._answer(job, asked), "kind": "bigquery#getQueryResultsResponse"}

    def table_page(self, name: TableName, request: HttpRequest) -> dict[str, Any]:
        """Return a page of a table's rows."""
        asked = {each.rpartition(".")[2]: request.arg(each) for each in request.query}
        table = self._warehouse.table(name)
        wanted = [each for each in (asked.get("selectedFields") or "").split(",") if each]
        if wanted:
            fields = [each for each in table.fields if each["name"] in wanted]
            table = Table(table.name, table.kind, fields, table.extras)
        return {"kind": "bigquery#tableDataList", **self._page(table, asked)}

    def _answer(self, job: BigQueryJob, asked: Mapping[str, Any]) -> dict[str, Any]:
        job.done.wait(float(asked.get("timeoutMs") or DEFAULT_WAIT_MS) / 1000)
        made: dict[str, Any] = {"jobReference": job.reference, "jobComplete": job.done.is_set()}
        if not job.done.is_set():
            return made
        if job.error is not None:
            raise job.error
        made |= {"totalBytesProcessed": "0", "cacheHit": False}
        if job.result.affected is not None:
            made["numDmlAffectedRows"] = str(job.result.affected)
        if job.result.destination is None:
            return made | {"totalRows": "0", "schema": {"fields": job.result.schema}}
        table = self._warehouse.table(job.result.destination)
        return made | {"schema": {"fields": table.fields}} | self._page(table, asked)

    def _page(self, table: Table, asked: Mapping[str, Any]) -> dict[str, Any]:
        total = self._warehouse.count(table.name)
        start = int(asked.get("pageToken") or asked.get("startIndex") or 0)
        given = asked.get("maxResults")
        size = min(PAGE, int(given)) if given is not None else PAGE
        made: dict[str, Any] = {"totalRows": str(total)}
        if size:
            micros = str(asked.get("useInt64Timestamp")).lower() == "true"
            found = self._warehouse.page(table, start, size)
            made["rows"] = rows(found, table.fields, micros=micros)
            if start + size < total:
                made["pageToken"] = str(start + size)
        return made
