"""Runs under way whose DAG file changes: Airflow goes on with the new file."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ValidationError

from dagfactory.deploy.changes.model import Warned
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.wording import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.deploy.changes.model import Changes

PAGE, PAGES = 100, 10


class Airflow(Protocol):
    """A client of Airflow's REST API; it raises DagfactoryError where there is no good answer."""

    def get(self, *path: str, **query: object) -> Any:
        """GET below the API."""


class _Run(BaseModel):
    dag_id: str
    dag_run_id: str


class _Runs(BaseModel):
    dag_runs: list[_Run]


def running(changes: Changes, airflow: Airflow) -> Iterator[Warned]:
    """Yield the runs that are under way in pipelines that change, or that Airflow does not say."""
    changed = {each.pipeline for each in changes.pipelines if each.action != "added"}
    if not changed:
        return
    try:
        runs = list(_under_way(airflow))
    except (DagfactoryError, ValidationError) as error:
        reason = (
            str(error) if isinstance(error, DagfactoryError) else "its answer is not one of Airflow"
        )
        yield Warned("running", "", f"which runs are under way could not be asked: {reason}")
        return
    found = defaultdict(list)
    for each in runs:
        found[each.dag_id].append(each.dag_run_id)
    for pipeline in sorted(changed & found.keys()):
        text = f"Airflow goes on with the new file in runs under way: {listing(found[pipeline])}"
        yield Warned("running", pipeline, text)


def _under_way(airflow: Airflow) -> Iterator[_Run]:
    """Yield the runs of all DAGs that are under way, as many as some pages hold."""
    for page in range(PAGES):
        # `~` stands for every DAG: one question, however many pipelines change
        query = {"state": "running", "limit": PAGE, "offset": page * PAGE}
        found = _Runs.model_validate(airflow.get("dags", "~", "dagRuns", **query)).dag_runs
        yield from found
        if len(found) < PAGE:
            return
