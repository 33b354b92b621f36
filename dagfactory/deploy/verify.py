"""Whether a deploy has arrived: in the destination, and in the Airflow that reads it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle
from dagfactory.deploy import waiting
from dagfactory.deploy.show import say
from dagfactory.deploy.stores import Store
from dagfactory.diagnostics.diagnostic import DagfactoryError

LINES = 3
"""Lines of an import error that are shown: its last ones say what is wrong."""


class Airflow(Protocol):
    """The REST API of an Airflow; raises DagfactoryError where it does not answer."""

    @property
    def version(self) -> str:
        """`v2`, or `v1` for Airflow 2."""

    def get(self, *path: str, **query: object) -> Any:
        """Return the JSON of a resource."""

    def find(self, *path: str) -> Any:
        """Return the JSON of a resource, None where there is no such thing."""


@dataclass(frozen=True, slots=True)
class Dag:
    """A DAG as it shall be: its id, its file's path below `dags` and its text."""

    id: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """What to ask beside the destination: an Airflow, for at most `patience` seconds.

    `package` is the dotted package that the bundle lies in there.
    """

    airflow: Airflow
    package: str = ""
    patience: float = 300.0


def problems(bundle: Bundle, store: Store, check: Check | None = None) -> list[str]:
    """Return where a destination, or the Airflow behind it, is not as a bundle says."""
    found = stored_problems(bundle, store)
    if found or check is None:
        return found
    try:
        return parsed_problems(bundle, check)
    except DagfactoryError as error:
        say(f"warning: Airflow was not asked whether the DAGs are parsed: {error}")
        return []


def stored_problems(bundle: Bundle, store: Store) -> list[str]:
    """Return what a destination holds otherwise than a bundle, by the checksums of a fresh listing."""
    # the manifest and the patterns also speak of what stays from before
    wanted = {path: each for path, each in bundle.files.items() if path not in (MANIFEST, IGNORE)}
    listing = store.listing()
    wrong = [
        path
        for path, content in wanted.items()
        if path not in listing or not listing[path].has_content(content)
    ]
    return [f"{store.address}/{path} does not hold what was deployed" for path in wrong]


def parsed_problems(bundle: Bundle, check: Check) -> list[str]:
    """Wait until an Airflow has parsed every DAG of a bundle; return what it has not, and why.

    That ends early for a DAG file that has an error now and had none when the wait began.
    """
    airflow, waiting_for = check.airflow, _dags(bundle, check.package)
    before, deadline = _import_errors(airflow), time.monotonic() + check.patience
    while True:
        # errors first: a file that is parsed in between is then not one of those that fail
        errors = _import_errors(airflow)
        waiting_for = [each for each in waiting_for if _source(airflow, each.id) != each.text]
        found = [_problem(each, errors) for each in waiting_for]
        new = [each for each in waiting_for if _error(each, errors) and not _error(each, before)]
        if not found or new or time.monotonic() > deadline:
            return found
        waiting.pause(waiting.POLL)


def _dags(bundle: Bundle, package: str) -> list[Dag]:
    folder = "".join(f"{part}/" for part in filter(None, package.split(".")))
    pipelines: Mapping[str, Any] = json.loads(bundle.manifest)["pipelines"]
    named = {name: each["file"] for name, each in pipelines.items()}
    return [Dag(name, folder + file, bundle.dags[file]) for name, file in named.items()]


def _source(airflow: Airflow, dag: str) -> str | None:
    """Return the text that Airflow has made a DAG from; None for a DAG that it does not know."""
    if airflow.version == "v1":
        found = airflow.find("dags", dag)
        dag = found["file_token"] if found else ""
    found = airflow.find("dagSources", dag) if dag else None
    return None if found is None else str(found["content"])


def _import_errors(airflow: Airflow) -> dict[str, str]:
    """Return the end of the error of each file that cannot be imported, by path."""
    return dict(_errors(airflow.get("importErrors", limit=100)["import_errors"]))


def _errors(found: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for each in found:
        lines = str(each.get("stack_trace") or "").strip().splitlines()
        yield str(each.get("filename")), " · ".join(line.strip() for line in lines[-LINES:])


def _error(dag: Dag, errors: Mapping[str, str]) -> str:
    # Airflow 3 names the path below its bundle, Airflow 2 the whole one
    found = (text for path, text in errors.items() if f"/{path}".endswith(f"/{dag.path}"))
    return next(found, "")


def _problem(dag: Dag, errors: Mapping[str, str]) -> str:
    error = _error(dag, errors)
    return f"{dag.path} is not imported: {error}" if error else f"{dag.path} is not parsed yet"
