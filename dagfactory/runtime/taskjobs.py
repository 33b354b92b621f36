"""The jobs that were launched for one task of one run: found by their labels, read, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from . import jobstate, vertex
from .base import VertexOperator
from .labels import list_filter

Job = dict[str, Any]


class TaskJobs:
    """The jobs of a kind (``trainingPipelines``) with certain labels, in every region given."""

    def __init__(
        self, operator: VertexOperator, kind: str, labels: Mapping[str, str], regions: Sequence[str]
    ) -> None:
        self._operator, self._kind = operator, kind
        self._labels, self._regions = labels, regions

    def every(self) -> Iterator[Job]:
        """Yield every job, whatever its state."""
        for client in self._operator.clients(self._regions):  # a list call sees one region only
            yield from self.of_region(client)

    def of_region(self, client: vertex.VertexClient) -> Iterator[Job]:
        """Yield every job of one region."""
        text = list_filter(self._labels)
        for job in client.pages(self._kind, self._kind, filter=text):
            labels = job.get("labels", {})
            # A filter that was understood differently must never attach to another task's job.
            if all(labels.get(key) == value for key, value in self._labels.items()):
                yield job

    def live(self) -> list[Job]:
        """Return the jobs that may still write, those that are being cancelled included."""
        return [job for job in self.every() if jobstate.is_live(job)]

    def get(self, name: str) -> Job:
        """Return a job by its name."""
        return self._client(name).get(name)

    def cancel(self, name: str, reason: str) -> None:
        """Ask a job to end; nothing happens to one that has ended already."""
        self._operator.log.warning("Cancelling %s: %s", name, reason)
        try:
            self._client(name).act(name, "cancel", {})
        except AirflowFailException:
            # FAILED_PRECONDITION: it ended between the look at it and this request
            if jobstate.is_under_way(self.get(name)):
                raise

    def cancel_live(self, reason: str) -> None:
        """Ask every live job to end; raise the first error when all that can be asked are asked."""
        problems: list[AirflowException] = []
        for client in self._operator.clients(self._regions):
            try:
                for job in filter(jobstate.is_under_way, self.of_region(client)):
                    self.cancel(job["name"], reason)
            except AirflowException as error:  # the jobs of other regions must not run on for it
                problems.append(error)
        if problems:
            raise problems[0]

    def _client(self, name: str) -> vertex.VertexClient:
        # by the job's name: a fallback may run in another region than the task's own
        return self._operator.client(name.split("/")[3])
