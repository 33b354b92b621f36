"""The errors that end a sync, each with an exit code and a message of one line."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.terminal import safe


class DestinationError(DagfactoryError):
    """The destination cannot be used as it is written or as this machine is set up."""

    def __init__(self, text: str) -> None:
        super().__init__(safe(text, "utf-8"))


class RefusedError(DagfactoryError):
    """The state of the destination, or the service behind it, does not allow the sync."""

    exit_code = 4

    def __init__(self, text: str) -> None:
        # names and answers come from the destination, and a terminal would obey what they hold
        super().__init__(safe(text, "utf-8"))


class DestinationChangedError(RefusedError):
    """Somebody else has changed the destination since it was listed."""

    def __init__(self, address: str, path: str) -> None:
        place = f"{address}/{path}"
        super().__init__(f"the destination is not as planned: {place} changed; run sync again")
