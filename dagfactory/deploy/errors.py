"""The errors that end a sync, each with an exit code and a message of one line."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import DagfactoryError


class DestinationError(DagfactoryError):
    """The destination cannot be used as it is written or as this machine is set up."""


class RefusedError(DagfactoryError):
    """The state of the destination, or the service behind it, does not allow the sync."""

    exit_code = 4


class DestinationChangedError(RefusedError):
    """Somebody else has changed the destination since it was listed."""

    def __init__(self, address: str, path: str) -> None:
        place = f"{address}/{path}"
        super().__init__(f"the destination is not as planned: {place} changed; run sync again")
