"""What can end a sync, each with its exit code and one plain line."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import DagfactoryError


class DestinationError(DagfactoryError):
    """The destination cannot be used as it is written or as this machine is set up."""


class RefusedError(DagfactoryError):
    """The destination's state, or the service behind it, does not allow the sync."""

    exit_code = 4


class MovedError(RefusedError):
    """Somebody else changed the destination since it was listed."""

    def __init__(self, address: str, path: str) -> None:
        super().__init__(f"the destination moved: {address}/{path} changed; run sync again")
