"""The methods of BigQuery's REST API, by route."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagfactory.emulator.bigquery.identifiers import DatasetName, TableName
from dagfactory.emulator.bigquery.jobs import LOCATION, BigQueryJobs
from dagfactory.emulator.bigquery.queries import Queries
from dagfactory.emulator.bigquery.tables import Tables
from dagfactory.emulator.bigquery.warehouse import Warehouse
from dagfactory.emulator.errors import not_served
from dagfactory.emulator.http_server import HttpRequest

Action = Callable[[], Any]
Routed = tuple[str, Action]


class BigQueryApi:
    """Names the method of a request and what carries it out."""

    def __init__(self, warehouse: Warehouse, jobs: BigQueryJobs, files: Path) -> None:
        self._warehouse, self._jobs = warehouse, jobs
        self._queries, self._tables = Queries(warehouse, jobs), Tables(warehouse, files)

    def route(self, request: HttpRequest) -> Routed:
        """Return a method's name and its action; raises UNIMPLEMENTED for what is not served."""
        match request.segments():
            case [*_, name] if ":" in name:  # an action: `tables/x:getIamPolicy`
                found = None
            case ["bigquery", "v2", "projects", project, "jobs", *rest]:
                found = self._job(request, project, rest)
            case ["bigquery", "v2", "projects", project, "queries", *rest]:
                found = self._query(request, project, rest)
            case ["bigquery", "v2", "projects", project, "datasets"]:
                found = self._datasets(request, project)
            case ["bigquery", "v2", "projects", project, "datasets", name]:
                found = self._dataset(request, DatasetName(project, name))
            case ["bigquery", "v2", "projects", project, "datasets", name, "tables", *rest]:
                found = self._table(request, DatasetName(project, name), rest)
            case _:
                found = None
        if found is None:
            raise not_served(f"{request.method} {request.path}")
        return found

    def _job(self, request: HttpRequest, project: str, rest: list[str]) -> Routed | None:
        jobs = self._jobs
        match request.method, rest:
            case "POST", []:
                return "jobs.insert", lambda: jobs.insert(project, request.json()).resource()
            case "GET", []:
                return "jobs.list", lambda: _job_list(jobs, project)
            case "GET", [name]:
                return "jobs.get", lambda: jobs.resource(project, name)
            case "POST", [name, "cancel"]:
                return "jobs.cancel", lambda: _cancelled(jobs, project, name)
        return None

    def _query(self, request: HttpRequest, project: str, rest: list[str]) -> Routed | None:
        match request.method, rest:
            case "POST", []:
                return "jobs.query", lambda: self._queries.query(project, request)
            case "GET", [name]:
                return "jobs.getQueryResults", lambda: self._queries.results(project, name, request)
        return None

    def _datasets(self, request: HttpRequest, project: str) -> Routed | None:
        if request.method == "POST":
            return "datasets.insert", lambda: self._new_dataset(project, request.json())
        found = self._warehouse.datasets
        return "datasets.list", lambda: {
            "kind": "bigquery#datasetList",
            "datasets": [_listed(name) for name in found(project)],
        }

    def _new_dataset(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        name = DatasetName(project, body["datasetReference"]["datasetId"])
        now = str(time.time_ns() // 1_000_000)
        times = {"creationTime": now, "lastModifiedTime": now}
        self._warehouse.create_dataset(name, {**body, **times})
        return self._dataset_resource(name)

    def _dataset(self, request: HttpRequest, name: DatasetName) -> Routed | None:
        match request.method:
            case "GET":
                return "datasets.get", lambda: self._dataset_resource(name)
            case "DELETE":
                contents = request.arg("deleteContents") == "true"
                return "datasets.delete", lambda: self._warehouse.drop_dataset(
                    name, contents=contents
                )
        return None

    def _dataset_resource(self, name: DatasetName) -> dict[str, Any]:
        body = self._warehouse.dataset(name)
        return {"location": LOCATION, **_listed(name), **body, "datasetReference": name.reference}

    def _table(self, request: HttpRequest, dataset: DatasetName, rest: list[str]) -> Routed | None:
        tables = self._tables
        if not rest:
            if request.method == "POST":
                return "tables.insert", lambda: tables.insert(dataset, request.json())
            return "tables.list", lambda: tables.listed(dataset)
        name = TableName.of({**dataset.reference, "tableId": rest[0]})
        match request.method, rest[1:]:
            case "GET", []:
                return "tables.get", lambda: tables.resource(name)
            case "PATCH" | "PUT", []:
                return "tables.patch", lambda: tables.patch(name, request.json())
            case "DELETE", []:
                return "tables.delete", lambda: self._warehouse.drop(name)
            case "GET", ["data"]:
                return "tabledata.list", lambda: self._queries.table_page(name, request)
            case "POST", ["insertAll"]:
                return "tabledata.insertAll", lambda: tables.insert_all(name, request.json())
        return None


def _listed(name: DatasetName) -> dict[str, Any]:
    return {"kind": "bigquery#dataset", "id": str(name), "datasetReference": name.reference}


def _job_list(jobs: BigQueryJobs, project: str) -> dict[str, Any]:
    found = [job.resource() for job in jobs.all(project)]
    listed = [{**each, "state": each["status"]["state"]} for each in found]
    return {"kind": "bigquery#jobList", "jobs": listed}


def _cancelled(jobs: BigQueryJobs, project: str, name: str) -> dict[str, Any]:
    job = jobs.cancel(project, name).resource()
    return {"kind": "bigquery#jobCancelResponse", "job": job}
