"""Airflow 2's task logs, read as the records that Airflow 3 writes.

A record is `[time] {file:line} LEVEL - message`; what follows up to the next one belongs to it, an
exception as Python's own traceback.
"""

import re
from collections.abc import Sequence
from typing import Any

_HEAD = re.compile(r"\[[^\]]+\] \{[^{}]+:\d+\} ([A-Z]+) - (.*)")
_FRAME = re.compile(r'  File "([^"]+)", line (\d+)')
_EPILOGUE = re.compile(
    r"Marking task as|Failed to execute job|Task exited with|Process not found|\d+ downstream tasks"
)
"""What Airflow adds after a task has ended; a failure would be told twice and its reason pushed up."""

_TRACEBACK = "Traceback (most recent call last):"


def is_airflow2(text: str) -> bool:
    """Whether a log is Airflow 2's."""
    return _HEAD.match(text) is not None


def records_of(text: str) -> list[dict[str, Any]]:
    """Return `level`, `event` and, for an exception, `error_detail` of every record."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if head := _HEAD.match(line):
            found.append((head[1].lower(), [head[2]]))
        elif found:
            found[-1][1].append(line)
    return [_record(level, lines) for level, lines in found if not _EPILOGUE.match(lines[0])]


def _record(level: str, lines: list[str]) -> dict[str, Any]:
    if _TRACEBACK not in lines:
        return {"level": level, "event": "\n".join(lines)}
    # the last one: what was raised while another was handled follows it
    last = len(lines) - lines[::-1].index(_TRACEBACK)
    event = "\n".join(lines[: lines.index(_TRACEBACK)])
    return {"level": level, "event": event, "error_detail": [_raised(lines[last:])]}


def _raised(lines: Sequence[str]) -> dict[str, Any]:
    """Return type, message and frames of a traceback's lines after its first."""
    start = next((i for i, line in enumerate(lines) if line[:1].strip()), len(lines))
    name, _, value = "\n".join(lines[start:]).partition(": ")
    frames = [frame for line in lines[:start] if (frame := _FRAME.match(line))]
    return {
        "exc_type": name.rpartition(".")[2],
        "exc_value": value,
        "frames": [{"filename": frame[1], "lineno": int(frame[2])} for frame in frames],
    }
