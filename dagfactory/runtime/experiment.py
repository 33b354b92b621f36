"""Vertex AI Experiments: each job or trial of a task as a run, with parameters, metrics and state.

An experiment is a context of the region's metadata store, a run a context below it, as
google-cloud-aiplatform writes and reads them (metadata/constants.py there): what stands here is what
``aiplatform.get_experiment_df`` shows.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from . import jobspec, labels, metrics
from .job_metrics import MOST
from .session import NOT_FOUND, HttpError, status_of
from .vertex import VertexClient

EXPERIMENT, RUN, VERSION = "system.Experiment", "system.ExperimentRun", "0.0.1"
COMPLETE, FAILED = "COMPLETE", "FAILED"
STORE = "metadataStores/default"
EXISTS = 409
NAME_LENGTH = 56
"""Of a run: with an experiment of 64 and what the SDK appends, an id stays below 128."""
HASH_LENGTH = 10
POLL = 1.0
TRIES = 30
"""Looks for a store that another task is making."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of an experiment; ``part`` tells the trials of one task apart."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    state: str = COMPLETE


def log(operator: Any, name: str | None, find: Callable[[], Sequence[Run]]) -> None:
    """Write the runs of a task into an experiment; what goes wrong is logged and fails no job."""
    if not name:
        return
    try:
        client, ti = operator.client(), operator._context["ti"]  # noqa: SLF001 - of this package
        runs = find()
        for run in runs:
            called = run_name(ti.dag_id, ti.task_id, ti.run_id, ti.map_index, run.part)
            own = labels.task_labels(ti.dag_id, ti.task_id, ti.run_id, ti.map_index)
            write(client, name, called, run, own)
    except Exception as error:  # noqa: BLE001 - the job has ended as it has
        operator.log.warning("The experiment %s is not written: %s", name, error)
    else:
        operator.log.info("%d run(s) written to the experiment %s", len(runs), name)


def run_name(dag_id: str, task_id: str, run_id: str, map_index: int, part: str = "") -> str:
    """Return the name of a run: the same in every try, another for every other task, run and trial."""
    key = json.dumps([dag_id, task_id, run_id, map_index, part])
    digest = hashlib.sha256(key.encode()).hexdigest()[:HASH_LENGTH]
    index = f"{map_index}" if map_index >= 0 else ""
    words = "-".join(each for each in (task_id, index, part) if each)
    clean = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return f"{clean[: NAME_LENGTH - HASH_LENGTH - 1].rstrip('-') or 'run'}-{digest}"


def write(client: VertexClient, name: str, called: str, run: Run, own: Mapping[str, str]) -> None:
    """Create a run, or replace one of an earlier try, and put it into its experiment."""
    store = f"{client.parent}/{STORE}"
    context = f"{store}/contexts/{name}-{called}"
    stored = metadata(run)
    body = {"displayName": called, "labels": dict(own), **_schema(RUN), "metadata": stored}
    if not _created(client, store, f"{name}-{called}", body):
        client.patch(context, "metadata", {"metadata": stored})
    child = {"childContexts": [context]}
    try:
        _post(client, f"{store}/contexts/{name}:addContextChildren", child)
    except HttpError as error:
        if status_of(error) != NOT_FOUND:
            raise
        made = {"displayName": name, **_schema(EXPERIMENT)}
        _created(client, store, name, {**made, "metadata": {"experiment_deleted": False}})
        _post(client, f"{store}/contexts/{name}:addContextChildren", child)


def metadata(run: Run) -> dict[str, Any]:
    """Return the metadata of a run's context."""
    return {
        "_params": _values(run.parameters),
        "_metrics": _values(run.metrics),
        "_state": run.state,
    }


def arguments_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a job's program by their names: ``--name=value`` and ``name=value``."""
    every = jobspec.program(job["workerPoolSpecs"][0]).get("args") or ()
    pairs = (str(each).lstrip("-").partition("=") for each in every)
    return {name: _number(value) for name, sign, value in pairs if sign and name}


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an experiment can hold: numbers and texts, of anything else its JSON."""
    kept = islice(given.items(), MOST)
    return {str(name): _value(value) for name, value in kept if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return json.dumps(value, default=str)
    return metrics.as_json(value)


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _schema(title: str) -> dict[str, str]:
    return {"schemaTitle": title, "schemaVersion": VERSION}


def _created(client: VertexClient, store: str, name: str, body: dict[str, Any]) -> bool:
    """Create a context, and the region's store before its first one; return False where it exists."""
    for attempt in range(TRIES):
        try:
            _post(client, f"{store}/contexts", body, contextId=name)
        except HttpError as error:
            if status_of(error) == EXISTS:
                return False
            if status_of(error) != NOT_FOUND or attempt + 1 == TRIES:
                raise
            _create_store(client)
        else:
            return True
    return False


def _create_store(client: VertexClient) -> None:
    place, _, identifier = f"{client.parent}/{STORE}".rpartition("/")
    try:
        operation = _post(client, place, {}, metadataStoreId=identifier)
    except HttpError as error:
        if status_of(error) != EXISTS:
            raise
        time.sleep(POLL)  # another task is making it
    else:
        client.wait_for_operation(operation, POLL)


def _post(client: VertexClient, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
    """POST what may be repeated: everything here has the id that it is given."""
    url = client.url(path)
    answer: dict[str, Any] = client.session.repeat("POST", url, params=query, json=body).json()
    return answer
