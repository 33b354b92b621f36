"""Faults to inject, re-read from STATE/faults.json so that a test can change them at run time."""

import fnmatch
import json
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from dagfactory.emulator.errors import ApiError, by_http
from dagfactory.emulator.permissions import PERMISSIONS_FILE, Permissions

log = logging.getLogger(__name__)
DEFAULT_GRACE_S = 30.0
KINDS = {
    "stockout": "stockout:N[:WHERE]",
    "quota": "quota:N[:WHERE]",
    "unsupported": "unsupported:N[:WHERE]",
    "preempt": "preempt:SECONDS[:GRACE_SECONDS]",
    "slow_queue": "slow_queue:SECONDS",
    "late": "late:SECONDS:error|backing",
    "float_values": "float_values:1",
    "error": "error:CODE:N[:METHOD]",
}

LATE = (["error"], ["backing"])


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One parsed spec. `number` is a count, or seconds; `where` a glob (see docs/emulator.md)."""

    kind: str
    number: float
    code: int = 0
    where: str = "*"
    grace: float = DEFAULT_GRACE_S


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

    def fail_create(self, *places: str) -> None:
        """Raise the error of a `quota:` or `unsupported:` fault matching region, strategy or machine."""
        if self._take("unsupported", *places) is not None:
            raise ApiError("INVALID_ARGUMENT", f'Machine type "{places[2]}" is not supported.')
        if self._take("quota", *places) is not None:
            raise ApiError(
                "RESOURCE_EXHAUSTED",
                "The following quota metrics exceed quota limits: "
                "aiplatform.googleapis.com/custom_model_training_gpus",
            )

    def out_of_stock(self, *places: str) -> bool:
        """Say whether a `stockout:` fault takes this job (and count it)."""
        return self._take("stockout", *places) is not None

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
