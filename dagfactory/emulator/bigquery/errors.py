"""Refusals in BigQuery's terms: an HTTP status and a reason word, at a call or in a job."""

import re
from typing import Any

from dagfactory.emulator.errors import CODES, ApiError

# https://cloud.google.com/bigquery/docs/error-messages
REASONS = {
    "invalid": "INVALID_ARGUMENT",
    "invalidQuery": "INVALID_ARGUMENT",
    "notFound": "NOT_FOUND",
    "duplicate": "ALREADY_EXISTS",
    "stopped": "CANCELLED",
    "resourceInUse": "FAILED_PRECONDITION",
    "notImplemented": "UNIMPLEMENTED",
}
_NOISE = re.compile(r"^(?:\w+ )+Error: ")


class BigQueryError(ApiError):
    """An error with BigQuery's reason word; `place` is what it is about, e.g. `query`."""

    def __init__(self, reason: str, message: str, place: str = "") -> None:
        super().__init__(REASONS[reason], message)
        self.reason, self.place = reason, place

    def as_proto(self) -> dict[str, str]:
        """Return the ErrorProto of a job's `errorResult`."""
        place = {"location": self.place} if self.place else {}
        return {"reason": self.reason, **place, "message": self.message}


def not_found(kind: str, name: object) -> BigQueryError:
    """Return what BigQuery says of a missing Dataset, Table or Job."""
    return BigQueryError("notFound", f"Not found: {kind} {name}")


def already_exists(kind: str, name: object) -> BigQueryError:
    """Return what BigQuery says when something is there already."""
    return BigQueryError("duplicate", f"Already Exists: {kind} {name}")


def unsupported(what: str) -> BigQueryError:
    """Return the refusal of what BigQuery can do and the emulator cannot."""
    return BigQueryError("notImplemented", f"The emulator does not support {what}.")


def invalid_query(error: Exception) -> BigQueryError:
    """Return a job's error for what the engine says of a query."""
    return BigQueryError("invalidQuery", plain(error), "query")


def plain(error: Exception) -> str:
    """Return the engine's sentence without the name of its class."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).strip()
    return _NOISE.sub("", text)


def as_json(error: ApiError) -> dict[str, Any]:
    """Return the body of BigQuery's REST errors."""
    reason = error.reason if isinstance(error, BigQueryError) else _reason(error)
    item = {"message": error.message, "domain": "global", "reason": reason}
    body = {"code": error.http, "message": error.message, "errors": [item]}
    return {"error": {**body, "status": error.status}}


def _reason(error: ApiError) -> str:
    backend = error.http >= CODES["INTERNAL"][0]
    return {401: "authError", 429: "rateLimitExceeded"}.get(
        error.http, "backendError" if backend else "invalid"
    )
