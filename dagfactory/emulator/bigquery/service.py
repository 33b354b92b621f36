"""The front of BigQuery: errors of its REST API, and when the engine is opened.

https://cloud.google.com/bigquery/docs/reference/rest
"""

import logging
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.emulator.bigquery.errors import BigQueryError, as_json
from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.identity import Identity

if TYPE_CHECKING:
    from dagfactory.emulator.bigquery.api import BigQueryApi
    from dagfactory.emulator.bigquery.warehouse import Warehouse

log = logging.getLogger(__name__)


class BigQueryService:
    """Answers every request to bigquery.googleapis.com.

    The engine (1 s to import) is opened by the first one: most runs never ask.
    """

    def __init__(
        self, directory: Path, files: Path, faults: Faults, identity: Identity, seeds: Path | None
    ) -> None:
        self._directory, self._files, self._faults = directory, files, faults
        self._identity, self._seeds = identity, seeds
        self._lock = threading.Lock()

    @cached_property
    def _opened(self) -> "BigQueryApi":
        from dagfactory.emulator.bigquery.api import BigQueryApi
        from dagfactory.emulator.bigquery.jobs import BigQueryJobs

        return BigQueryApi(
            self._warehouse, BigQueryJobs(self._warehouse, self._files, self._faults), self._files
        )

    @cached_property
    def _warehouse(self) -> "Warehouse":
        from dagfactory.emulator.bigquery.warehouse import Warehouse

        seeds = [] if self._seeds is None else [self._seeds.resolve()]
        return Warehouse(self._directory, [self._files, *seeds])

    def seed(self, folder: Path, project: str) -> None:
        """Make the files of a folder tables; raises SeedError."""
        from dagfactory.emulator.bigquery.seeds import seed

        seed(self.warehouse, folder, project)

    @property
    def warehouse(self) -> "Warehouse":
        """The tables; opens the engine."""
        with self._lock:
            return self._warehouse

    @property
    def api(self) -> "BigQueryApi":
        """The methods; opens the engine."""
        with self._lock:
            return self._opened

    def lines(self, table: str) -> list[str]:
        """Return the rows of `project.dataset.table` as an export has them; raises ApiError."""
        from dagfactory.emulator.bigquery.rows import lines

        return lines(self.warehouse, table)

    def append(self, table: str, rows: list[str]) -> None:
        """Append rows, one JSON object each, to a table that is made when it is missing."""
        from dagfactory.emulator.bigquery.rows import append

        append(self.warehouse, table, rows)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            self._identity.require(request.headers.get("authorization"))
            method, action = self.api.route(request)
            self._faults.fail_call(f"bigquery.{method}")
            log.info("bigquery.%s %s", method, request.path)
            made = action()
        except ApiError as error:
            log.info("bigquery %s %s: %s", request.method, request.path, error.message)
            return json_response(as_json(error), error.http, error.headers)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            log.info("bigquery %s %s", request.method, request.path, exc_info=error)
            bad = BigQueryError("invalid", f"Invalid request: {error!r}")
            return json_response(as_json(bad), bad.http)
        return HttpResponse(204) if made is None else json_response(made)
