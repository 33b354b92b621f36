"""Faults to inject, re-read from STATE/faults.json so that a test can change them at run time."""

import fnmatch
import json
import logging
import threading
from dataclasses import dataclass
from math import inf
from pathlib import Path

from dagfactory.emulator.errors import ApiError, by_http
from dagfactory.emulator.permissions import PERMISSIONS_FILE, Permissions

log = logging.getLogger(__name__)
DEFAULT_GRACE_S = 30.0
KINDS = {
    "stockout": "stockout:N[:WHERE]",
    "quota": "quota:N[:WHERE]",
    "slow_stockout": "slow_stockout:N:SECONDS[:WHERE]",
    "no_quota": "no_quota:N[:WHERE]",
    "unsupported": "unsupported:N[:WHERE]",
    "preempt": "preempt:SECONDS[:GRACE_SECONDS]",
    "slow_queue": "slow_queue:SECONDS",
    "late": "late:SECONDS:error|backing",
    "lost_cancel": "lost_cancel:N[:WHERE]",
    "vanish": "vanish:SECONDS",
    "float_values": "float_values:1",
    "error": "error:CODE:N[:METHOD]",
    "rate_limit": "rate_limit:N:SECONDS[:METHOD]",
}
TIMED = ("slow_stockout", "rate_limit")
STOCKOUTS = ("stockout", "slow_stockout")
# as recorded of the service, but for the number of the project
TOO_MANY = (
    "Quota exceeded for quota metric 'Resource management (CRUD) requests' and limit 'Resource "
    "management (CRUD) requests per minute per region' of service 'aiplatform.googleapis.com' for "
    "consumer 'project_number:1'."
)
LATE = (["error"], ["backing"])


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One parsed spec. `number` is a count, or seconds; `where` a glob (see docs/emulator.md).

    `seconds` lie between the tries of a job without capacity, or before a call may be repeated.
    """

    kind: str
    number: float
    code: int = 0
    where: str = "*"
    grace: float = DEFAULT_GRACE_S
    seconds: float = 0.0


def parse(spec: str) -> InjectedFault:
    """Parse one fault spec; raise ValueError with the expected form when it is malformed."""
    kind, *words = spec.split(":")
    if kind not in KINDS:
        raise ValueError(f"unknown fault {spec!r}; known: {', '.join(KINDS.values())}")
    try:
        return _parse(kind, words)
    except (ValueError, IndexError):
        raise ValueError(f"fault {spec!r} should read {KINDS[kind]}") from None


def _parse(kind: str, words: list[str]) -> InjectedFault:
    if kind == "error":
        code, count, *where = words
        return InjectedFault(kind, int(count), code=int(code), where=":".join(where) or "*")
    number, *rest = words
    if kind in TIMED:
        seconds, *where = rest
        return InjectedFault(
            kind, int(number), where=":".join(where) or "*", seconds=float(seconds)
        )
    if kind == "late" and rest not in LATE:
        raise ValueError(rest)
    if kind == "preempt":
        return InjectedFault(kind, float(number), grace=float(rest[0]) if rest else DEFAULT_GRACE_S)
    return InjectedFault(kind, float(number), where=":".join(rest) or "*")


class Faults:
    """The faults now in force. Counts start again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._permissions = Permissions(path.with_name(PERMISSIONS_FILE))
        self._stamp, self._faults, self._used = (0, 0), list[InjectedFault](), list[int]()

    def fail_call(self, method: str) -> None:
        """Raise the error of a missing permission or of a matching `error:` fault for a method."""
        self._permissions.require(method)
        fault = self._take("error", method)
        if fault is not None:
            log.warning("fault: %s -> %d", method, fault.code)
            raise by_http(fault.code, f"Injected fault: {method} answers {fault.code}.")
        limit = self._take("rate_limit", method)
        if limit is not None:
            log.warning("fault: %s is over its limit", method)
            raise ApiError("RESOURCE_EXHAUSTED", TOO_MANY, retry_after=limit.seconds)

    def fail_create(self, *places: str) -> None:
        """Raise the error of a `quota:` or `unsupported:` fault matching region, strategy or machine."""
        if self._take("unsupported", *places):
            raise ApiError("INVALID_ARGUMENT", f'Machine type "{places[2]}" is not supported.')
        if self._take("quota", *places):
            raise ApiError(
                "RESOURCE_EXHAUSTED",
                "The following quota metrics exceed quota limits: "
                "aiplatform.googleapis.com/custom_model_training_gpus",
            )

    def out_of_stock(self, *places: str) -> InjectedFault | None:
        """Return the `stockout:` or `slow_stockout:` fault that takes this job (and count it)."""
        return next(filter(None, (self._take(kind, *places) for kind in STOCKOUTS)), None)

    def without_quota(self, *places: str) -> InjectedFault | None:
        """Return the `no_quota:` fault that takes this job (and count it)."""
        return self._take("no_quota", *places)

    def loses_cancel(self, *places: str) -> bool:
        """Say whether a `lost_cancel:` fault takes the cancellation of this job (and count it)."""
        return self._take("lost_cancel", *places) is not None

    def stands(self, fault: InjectedFault) -> bool:
        """Say whether a fault is still in force."""
        return any(each is fault for each in self._current())

    def lifetime(self) -> float:
        """Return the seconds after which a job is not found any more (`vanish:`)."""
        return min((each.number for each in self._current() if each.kind == "vanish"), default=inf)

    def preemption(self) -> InjectedFault | None:
        """Return the `preempt:` fault in force, if any."""
        return next((fault for fault in self._current() if fault.kind == "preempt"), None)

    def queue_delay(self) -> float:
        """Return the seconds a job stays queued (`slow_queue:`)."""
        return sum(fault.number for fault in self._current() if fault.kind == "slow_queue")

    def lateness(self, what: str) -> float:
        """Return how many seconds later than its state a job shows something (`late:`)."""
        found = (each for each in self._current() if each.kind == "late" and each.where == what)
        return sum(each.number for each in found)

    def float_values(self) -> bool:
        """Say whether whole values of a DISCRETE parameter arrive as `128.0` (`float_values:`)."""
        return any(fault.kind == "float_values" for fault in self._current())

    def _take(self, kind: str, *places: str) -> InjectedFault | None:
        with self._lock:
            for index, fault in enumerate(self._current()):
                fits = any(fnmatch.fnmatch(place, fault.where) for place in places)
                if fault.kind == kind and fits and self._used[index] < fault.number:
                    self._used[index] += 1
                    return fault
        return None

    def _current(self) -> list[InjectedFault]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return []
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._faults = _load(self._path)
            self._used, self._stamp = [0] * len(self._faults), stamp
        return self._faults


def _load(path: Path) -> list[InjectedFault]:
    try:
        return [parse(spec) for spec in json.loads(path.read_text())]
    except (ValueError, TypeError, AttributeError) as error:
        log.error("%s is ignored: %s", path, error)  # noqa: TRY400 - a user's slip, not a crash
        return []
