"""The jobs of a pipeline, asked of Vertex AI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dagfactory.rest.errors import AnswerError
from dagfactory.rest.google_client import GoogleClient, vertex
from dagfactory.runtime.labels import PREFIX, label

KINDS = ("trainingPipelines", "hyperparameterTuningJobs")
_TIMES = ("startTime", "endTime")


def jobs(
    google: GoogleClient, project: str, region: str, pipeline: str
) -> Iterator[dict[str, Any]]:
    """Yield the jobs in a region that runs of a pipeline have started, with the times of their machines."""
    wanted = label(pipeline)
    parent = f"{vertex(region)}/projects/{project}/locations/{region}"
    for kind in KINDS:
        for each in google.pages(f"{parent}/{kind}", kind, filter=f'labels.{PREFIX}dag="{wanted}"'):
            # a filter that was understood differently would count the jobs of others
            if each.get("labels", {}).get(f"{PREFIX}dag") == wanted:
                yield each | _times_behind(google, region, each)


def _times_behind(google: GoogleClient, region: str, pipeline: dict[str, Any]) -> dict[str, Any]:
    """Return when the job behind a training pipeline had its machines, as far as it is known."""
    # a pipeline runs while its job still waits for machines, which flex-start can do for hours
    name = pipeline.get("trainingTaskMetadata", {}).get("backingCustomJob")
    if not name:
        return {}
    try:
        job = google.get(f"{vertex(region)}/{name}")
    except AnswerError as error:
        if error.is_missing:
            return {}
        raise
    return {key: job[key] for key in _TIMES if key in job}
