"""The jobs of one project on Vertex AI, and the entries of its log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dagfactory.rest.google_client import GoogleClient, vertex

LOGGING = "https://logging.googleapis.com/v2/entries:list"
ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Client:
    """The jobs and logs of one project; every method raises AnswerError."""

    google: GoogleClient
    project: str

    def jobs(self, kind: str, region: str, text: str) -> Iterator[dict[str, Any]]:
        """Yield the jobs of a kind (`trainingPipelines`) that a filter finds in a region."""
        parent = f"projects/{self.project}/locations/{region}"
        yield from self.google.pages(f"{vertex(region)}/{parent}/{kind}", kind, filter=text)

    def get(self, name: str) -> dict[str, Any]:
        """Return a job by its name."""
        return self.google.get(_address(name))

    def cancel(self, name: str) -> None:
        """Ask a job to end."""
        self.google.post(f"{_address(name)}:cancel", {})

    def entries(self, text: str) -> Iterator[dict[str, Any]]:
        """Yield the log entries that a filter finds, oldest first."""
        body: dict[str, Any] = {"resourceNames": [f"projects/{self.project}"], "filter": text}
        body |= {"orderBy": "timestamp asc", "pageSize": ENTRIES}
        while True:
            answer = self.google.post(LOGGING, body)
            yield from answer.get("entries", ())
            if not answer.get("nextPageToken"):
                return
            body["pageToken"] = answer["nextPageToken"]


def _address(name: str) -> str:
    return f"{vertex(name.split('/')[3])}/{name}"
