"""What is remembered of each run, in `.dagfactory/runs/`: when it was, how it ended, what went into it."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dagfactory.emulator.files import private_folder, replace_text
from dagfactory.run.events import Event, RunEnded, RunStarted, Sink

_NEWEST = 200  # records that are kept


@dataclass(frozen=True, slots=True)
class Record:
    """One run: `digests` are of what each task was made from, `command` repeats it.

    `state` is Airflow's, or `running` where nobody saw the end.
    """

    dag_id: str
    run_id: str
    environment: str
    command: str
    state: str = "running"
    seconds: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)
    began: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat())


def write(folder: Path, record: Record) -> None:
    """Keep a record, in place of an earlier one of the same run; the oldest of too many go."""
    private_folder(folder)
    found = [each for each, other in _read(folder) if other.run_id == record.run_id]
    name = f"{record.began.replace(':', '')}-{record.dag_id}.json"
    replace_text(found[0] if found else folder / name, json.dumps(asdict(record), indent=1) + "\n")
    for path, _ in _read(folder)[_NEWEST:]:
        path.unlink(missing_ok=True)


def records(folder: Path, dag_id: str | None = None) -> list[Record]:
    """Return what is remembered of all runs, or of those of one DAG, the newest first."""
    return [each for _, each in _read(folder) if dag_id in {None, each.dag_id}]


def _read(folder: Path) -> list[tuple[Path, Record]]:
    paths = sorted(folder.glob("*.json"), reverse=True)
    found = ((path, _record(path)) for path in paths)
    return [(path, record) for path, record in found if record]


def _record(path: Path) -> Record | None:
    """Return a record; None for a file that is none, say of another version."""
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        return Record(**data)
    except (OSError, ValueError, TypeError):
        return None


def remembered(
    tell: Sink, folder: Path, record: Record, before: Mapping[str, str] | None = None
) -> Sink:
    """Return a sink that keeps a record from the run's start on, and passes events on.

    `before` are the digests of a run that is gone on with: those of tasks that keep what they made count on.
    """
    old = before or {}

    def take(event: Event) -> None:
        nonlocal record
        if isinstance(event, RunStarted):
            kept = {name: old.get(name, "") for name in event.kept & record.digests.keys()}
            record = replace(record, digests={**record.digests, **kept})
            write(folder, replace(record, run_id=event.run_id))
        if isinstance(event, RunEnded):
            ended = replace(record, run_id=event.run_id, state=event.state, seconds=event.seconds)
            write(folder, ended)
        tell(event)

    return take
