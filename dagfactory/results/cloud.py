"""The jobs of a run in the cloud, asked of Vertex AI itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagfactory.cost import vertex
from dagfactory.rest.google_client import GoogleClient
from dagfactory.results.jobs import jobs
from dagfactory.results.model import Job


@dataclass(frozen=True, slots=True)
class Cloud:
    """A project, and the regions in which its jobs run."""

    project: str
    regions: tuple[str, ...]

    def jobs(self, pipeline: str) -> Iterator[Job]:
        """Yield the jobs of a pipeline's runs; raises AnswerError where Vertex AI does not answer."""
        with GoogleClient() as google:
            for region in self.regions:
                for each in vertex.jobs(google, self.project, region, pipeline):
                    yield from jobs(each)
