"""Where task logs lie, and how their ends read.

Airflow 3 writes one JSON object per line (`timestamp`, `level`, `event`, on errors `error_detail`),
Airflow 2 text (`logs_airflow2`); what the component processes print is plain text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dagfactory.run.logs_airflow2 import is_airflow2, records_of

_LONGEST = 400  # characters of one message; a whole traceback in one line helps nobody
_LINK = " To find out more about why your job exited"
_CUSTOM_JOB = re.compile(r"job_id%2F(\d+)")
_JOB = re.compile(r"projects/[^/\s\"]+/locations/[^/\s\"]+/(?:trainingPipelines|customJobs)/(\d+)")


def run_logs(logs: Path, dag_id: str, run_id: str) -> Path:
    """Return the folder of one run's task logs (`[logging] log_filename_template`'s default)."""
    return logs / "tasks" / f"dag_id={dag_id}" / f"run_id={run_id}"


def task_log(run: Path, task_id: str, map_index: int, attempt: int) -> Path:
    """Return the log file of one try in a run's folder."""
    folder = run / f"task_id={task_id}"
    if map_index >= 0:
        folder /= f"map_index={map_index}"
    return folder / f"attempt={attempt}.log"


def tail_of_text(path: Path, lines: int = 12) -> tuple[str, ...]:
    """Return the last lines of a plain text log; nothing when there is none."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ()
    return tuple(line[:_LONGEST] for line in text.splitlines()[-lines:])


def tail(path: Path, lines: int = 12) -> tuple[str, ...]:
    """Return the last lines of a task's log: `LEVEL message`, `Type: text (file:line)`."""
    return tuple(lines_of(_text(path))[-lines:])


def lines_of(text: str) -> list[str]:
    """Return the text of a task's log as a person reads it."""
    read = _records_of(text)
    return [line for record in read if not _is_frame(record) for line in _lines(record)]


def failure_text(path: Path) -> str:
    """Return what a task raised in one line, without its causes; else its last error, else ``."""
    records = _records(path)
    for record in reversed(records):
        if detail := record.get("error_detail"):
            lines = _exception(detail[0])  # the causes follow
            # a message of one line is its own first and last
            return " … ".join(dict.fromkeys([lines[0], lines[-1]]))
    errors = [str(r.get("event", "")) for r in records if r.get("level") in {"error", "critical"}]
    return errors[-1][:_LONGEST] if errors else ""


def vertex_job(path: Path) -> str:
    """Return the number of the Vertex AI job that a task's log mentions last; `` when none."""
    try:
        found = _JOB.findall(path.read_text(errors="replace"))
    except OSError:
        return ""
    return found[-1] if found else ""


def job_log(path: Path, emulator: Path) -> Path | None:
    """Return what the job itself printed, when a task's log tells which one failed."""
    try:
        found = _CUSTOM_JOB.findall(path.read_text(errors="replace"))
    except OSError:
        return None
    attempts = (emulator / "jobs" / found[-1]).glob("attempt-*.log") if found else ()
    # the length first: attempt-10 comes after attempt-9
    return max(attempts, key=lambda log: (len(log.name), log.name), default=None)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _records(path: Path) -> Sequence[Mapping[str, Any]]:
    return _records_of(_text(path))


def _records_of(text: str) -> Sequence[Mapping[str, Any]]:
    if is_airflow2(text):
        return records_of(text)
    return [_record(line) for line in text.splitlines() if line.strip()]


def _record(line: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"event": line}


def _is_frame(record: Mapping[str, Any]) -> bool:
    """Whether a record only folds others in the web UI (`::group::`, `::endgroup::`)."""
    return str(record.get("event", "")).startswith(("::group::", "::endgroup::"))


def _lines(record: Mapping[str, Any]) -> list[str]:
    level = str(record.get("level", "info")).upper()
    message = str(record.get("event", "")).splitlines() or [""]
    first = f"{level:<8} {message[0]}"[:_LONGEST]
    return [
        first,
        *(f"         {line}"[:_LONGEST] for line in [*message[1:], *_exceptions(record)]),
    ]


def _exceptions(record: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for error in record.get("error_detail") or []:
        *lines, last = _exception(error)
        found += [*lines, last + _place(error)]
    return found


def _exception(error: Mapping[str, Any]) -> list[str]:
    """Return an exception's lines without Vertex AI's links, which lead nowhere from a local run."""
    text = f"{error.get('exc_type')}: {error.get('exc_value')}"
    lines = [line.partition(_LINK)[0][:_LONGEST] for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("https://")]


def _place(error: Mapping[str, Any]) -> str:
    frames = error.get("frames") or []
    return f" ({frames[-1].get('filename')}:{frames[-1].get('lineno')})" if frames else ""
