"""Wait for the DAG processor: the DAG as it is in the file now, or the reason why it cannot be."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import RunError

_GRACE = 5.0  # seconds that the wanted DAG gets to appear beside a broken file


@dataclass(slots=True)
class DagParsed:
    """A condition to wait for: `dag_id` was parsed after `since`.

    A database that is used again knows the DAG of the last run, possibly an older text of it; only
    a parse of this run counts. Calling raises RunError when the folder cannot be imported.
    """

    api: AirflowApi
    dag_id: str
    since: dt.datetime
    _broken_since: float | None = None

    def __call__(self) -> bool:
        """Look once."""
        dag = self.api.find("dags", self.dag_id)
        if dag and self._is_new(dag["last_parsed_time"]):
            return True
        if errors := self._errors():
            self._judge(errors)
        return False

    def _is_new(self, moment: str | None) -> bool:
        return moment is not None and dt.datetime.fromisoformat(moment) >= self.since

    def _errors(self) -> list[dict[str, Any]]:
        found = self.api.get("importErrors", limit=100)["import_errors"]
        return [error for error in found if self._is_new(error["timestamp"])]

    def _judge(self, errors: list[dict[str, Any]]) -> None:
        """Give up at once when the DAG's own file is broken, soon when only another one is."""
        own = [error for error in errors if self.dag_id in error["filename"]]
        now = time.monotonic()
        self._broken_since = self._broken_since or now
        if own or now - self._broken_since > _GRACE:
            raise _import_error(own or errors)


def _import_error(errors: list[dict[str, Any]]) -> RunError:
    lines = [line for error in errors for line in _shown(error)]
    return RunError(f"Airflow cannot import {errors[0]['filename']}", *lines)


def _shown(error: Mapping[str, Any]) -> list[str]:
    lines = str(error["stack_trace"]).rstrip().splitlines()
    return [line for line in lines if "<frozen importlib" not in line]
