"""What is remembered of each run, in `.dagfactory/runs/`: when it was, how it ended, what went into it.

`runs`, `run --from` and `results` read the same record.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dagfactory.emulator.files import private_folder, replace_text
from dagfactory.results.known import ending, folders
from dagfactory.results.paths import newest_first, record_path
from dagfactory.run.events import Event, RunEnded, RunStarted, Sink

_NEWEST = 200  # records that are kept in any case


@dataclass(frozen=True, slots=True)
class Record:
    """One run: `digests` are of what each task was made from, `command` repeats it, `go_on` goes on with it.

    `state` is Airflow's, `running` until it has ended, `interrupted` where nobody saw the end. `process`
    is the command's. `folder` is where it wrote, `tasks` and
    `gates` what came of them; a run that has not ended has none.
    """

    dag_id: str
    run_id: str
    environment: str
    command: str
    go_on: str = ""
    state: str = "running"
    seconds: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)
    process: int = 0
    began: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat())
    folder: str = ""
    tasks: Sequence[Mapping[str, Any]] = ()
    gates: Sequence[Mapping[str, Any]] = ()

    def is_alive(self) -> bool:
        """Whether the run goes on."""
        return self.state == "running"


def write(state: Path, record: Record) -> None:
    """Keep a record, in place of an earlier one of the same run; the oldest go whose folders are gone."""
    path = record_path(state, record.dag_id, record.run_id)
    for folder in (path.parent.parent, path.parent):
        private_folder(folder)
    replace_text(path, json.dumps(asdict(record), indent=1, default=str) + "\n")
    for old in newest_first(state)[_NEWEST:]:
        if not folders(state, old.parent.name, old.stem):
            old.unlink(missing_ok=True)


def stored(state: Path, dag_id: str, run_id: str) -> Record | None:
    """Return what is remembered of one run."""
    return _record(record_path(state, dag_id, run_id))


def records(state: Path, dag_id: str | None = None) -> list[Record]:
    """Return what is remembered of all runs, or of those of one DAG, the newest first."""
    found = filter(None, map(_record, newest_first(state)))
    known = [each for each in found if dag_id in {None, each.dag_id}]
    return sorted(known, key=lambda each: each.began, reverse=True)


def _record(path: Path) -> Record | None:
    """Return a record; None for a file that is none, say of another version."""
    try:
        data: dict[str, Any] = json.loads(path.read_text())
        return Record(**{**data, "state": ending(data)})
    except (OSError, ValueError, TypeError):
        return None


def remembered(
    tell: Sink, state: Path, record: Record, before: Mapping[str, str] | None = None
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
            record = replace(record, process=os.getpid())
            write(state, replace(record, run_id=event.run_id))
        if isinstance(event, RunEnded):
            ended = replace(record, run_id=event.run_id, state=event.state, seconds=event.seconds)
            write(state, ended)
        tell(event)

    return take
