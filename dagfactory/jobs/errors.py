"""The errors that end `jobs` and `logs`, each with an exit code and a message of one line."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import DagfactoryError


class NotSetUpError(DagfactoryError):
    """This machine or this project is not set up for the question."""


class NoJobError(DagfactoryError):
    """There is no job of the kind that was asked for."""

    exit_code = 3
