"""The jobs of a pipeline, asked of Vertex AI by REST with the credentials of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.runtime.labels import PREFIX, label

KINDS = ("trainingPipelines", "hyperparameterTuningJobs")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_PAGE = 100
_PATIENCE = 60.0
"""Seconds that an answer may take."""
_OK, _GONE = 200, 404
_TIMES = ("startTime", "endTime")


class RefusedError(DagfactoryError):
    """Vertex AI does not answer, or not to these credentials."""

    exit_code = 4


def jobs(project: str, region: str, pipeline: str) -> Iterator[dict[str, Any]]:
    """Yield the jobs in a region that runs of a pipeline have started, with the times of their machines."""
    session = _session()
    wanted = label(pipeline)
    with session:
        for kind in KINDS:
            for each in _pages(session, project, region, kind, wanted):
                # a filter that was understood differently would count the jobs of others
                if each.get("labels", {}).get(f"{PREFIX}dag") == wanted:
                    yield each | _times_behind(session, region, each)


def _times_behind(session: Any, region: str, pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return when the job behind a training pipeline had its machines, as far as it is known."""
    # a pipeline runs while its job still waits for machines, which flex-start can do for hours
    name = pipeline.get("trainingTaskMetadata", {}).get("backingCustomJob")
    job = _answer(session, f"{_host(region)}/{name}", or_gone=True) if name else {}
    return {key: job[key] for key in _TIMES if key in job}


def _host(region: str) -> str:
    return f"https://{region}-aiplatform.googleapis.com/v1"


def _session() -> Any:
    """Return a session with the credentials of this machine; raises DagfactoryError without any."""
    try:
        auth = import_module("google.auth")
        requests = import_module("google.auth.transport.requests")
    except ImportError as error:
        message = "past jobs need google-auth: pip install 'dagfactory[gcp]'"
        raise DagfactoryError(message) from error
    try:
        credentials, _ = auth.default(scopes=[_SCOPE])
    except auth.exceptions.GoogleAuthError as error:
        remedy = "run `gcloud auth application-default login`"
        raise DagfactoryError(f"no Google credentials that work; {remedy}") from error
    return requests.AuthorizedSession(credentials)


def _pages(
    session: Any, project: str, region: str, kind: str, wanted: str
) -> Iterator[dict[str, Any]]:
    place = f"{_host(region)}/projects/{project}/locations/{region}"
    query = {"filter": f'labels.{PREFIX}dag="{wanted}"', "pageSize": str(_PAGE)}
    token: str | None = ""
    while token is not None:
        given = {"pageToken": token} if token else {}
        answer = _answer(session, f"{place}/{kind}?{urlencode(query | given)}")
        yield from answer.get(kind, [])
        token = answer.get("nextPageToken") or None


def _answer(session: Any, address: str, *, or_gone: bool = False) -> dict[str, Any]:
    """Return an answer as JSON; nothing for what is no longer there, if that may be."""
    # the roots of what requests and google-auth raise
    broken = (OSError, import_module("google.auth.exceptions").GoogleAuthError)
    try:
        response = session.get(address, timeout=_PATIENCE)
    except broken as error:
        raise RefusedError(f"Vertex AI does not answer: {_first_line(str(error))}") from error
    if or_gone and response.status_code == _GONE:
        return {}
    if response.status_code != _OK:
        text = _first_line(response.text.replace("\n", " "))
        raise RefusedError(f"Vertex AI answers {response.status_code}: {text}")
    try:
        return dict(response.json())
    except (ValueError, TypeError) as error:
        raise RefusedError("Vertex AI answers with something that is not JSON") from error


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:300]
