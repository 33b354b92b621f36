"""The one exception of the services, and how each API writes it."""

from http import HTTPStatus
from typing import Any

# google/rpc/code.proto: canonical name -> (HTTP status, numeric code)
CODES = {
    "OK": (200, 0),
    "CANCELLED": (499, 1),
    "UNKNOWN": (500, 2),
    "INVALID_ARGUMENT": (400, 3),
    "DEADLINE_EXCEEDED": (504, 4),
    "NOT_FOUND": (404, 5),
    "ALREADY_EXISTS": (409, 6),
    "PERMISSION_DENIED": (403, 7),
    "RESOURCE_EXHAUSTED": (429, 8),
    "FAILED_PRECONDITION": (400, 9),
    "ABORTED": (409, 10),
    "OUT_OF_RANGE": (400, 11),
    "UNIMPLEMENTED": (501, 12),
    "INTERNAL": (500, 13),
    "UNAVAILABLE": (503, 14),
    "UNAUTHENTICATED": (401, 16),
}
# Cloud Storage's own reason words, by HTTP status
_REASONS = {
    400: "invalid",
    401: "required",
    403: "forbidden",
    404: "notFound",
    405: "methodNotAllowed",
    409: "conflict",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    503: "backendError",
}


class ApiError(Exception):
    """A refusal in the service's terms: canonical status name, message, HTTP status.

    `retry_after` are the seconds after which the service asks to try again.
    """

    def __init__(
        self,
        status: str,
        message: str,
        http: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.retry_after = retry_after
        self.http = CODES[status][0] if http is None else http

    @property
    def code(self) -> int:
        """The numeric google.rpc.Code."""
        return CODES[self.status][1]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, on top of those of every answer."""
        return {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}

    def as_json(self) -> dict[str, Any]:
        """Return the body of google.rpc-style REST services (Vertex AI, Secret Manager)."""
        return {"error": {"code": self.http, "message": self.message, "status": self.status}}

    def as_storage_json(self) -> dict[str, Any]:
        """Return the body of the Cloud Storage JSON API."""
        reason = _REASONS.get(self.http, "backendError")
        item = {"message": self.message, "domain": "global", "reason": reason}
        return {"error": {"code": self.http, "message": self.message, "errors": [item]}}


def not_served(what: str) -> ApiError:
    """Return the refusal of a method that the service may have and the emulator has not."""
    text = f"The emulator does not serve {what}. What it serves is listed in docs/emulator.md."
    return ApiError("UNIMPLEMENTED", text)


class SeedError(Exception):
    """A file of the fixtures that makes no table; the message names it."""


def by_http(http: int, message: str) -> ApiError:
    """Return the error that goes with an HTTP status, e.g. 429 -> RESOURCE_EXHAUSTED."""
    names = (name for name, (status, _code) in CODES.items() if status == http)
    name = next(names, "UNKNOWN")
    return ApiError(name, message or HTTPStatus(http).phrase, http)
