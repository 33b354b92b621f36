"""The errors that end `jobs` and `logs`, each with an exit code and a message of one line."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.terminal import safe


class NotSetUpError(DagfactoryError):
    """This machine or this project is not set up for the question."""


class NoJobError(DagfactoryError):
    """There is no job of the kind that was asked for."""

    exit_code = 3


class ServiceError(DagfactoryError):
    """Google Cloud refused, or did not answer."""

    exit_code = 4

    def __init__(self, text: str) -> None:
        # an answer comes from elsewhere, and a terminal would obey what it holds
        super().__init__(safe(text, "utf-8"))
