"""The command behind `dagfactory logs` without `--env`: a task of a run on this machine, and its job."""

import contextlib
import json
import re
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dagfactory.diagnostics.terminal import safe
from dagfactory.run.events import FINISHED, NotReadyError
from dagfactory.run.logs import lines_of, run_logs, task_log, vertex_job
from dagfactory.run.records import Record, records
from dagfactory.run.state_folders import StateFolders
from dagfactory.run.text import shown

_PAUSE = 0.3  # seconds between two looks
_WHAT = re.compile(r"(?P<task>.+?)(\[(?P<index>\d+)\])?")
_ASK = """SELECT state, try_number FROM task_instance
    WHERE dag_id = ? AND run_id = ? AND task_id = ? AND map_index = ?"""


@dataclass(frozen=True, slots=True)
class LocalLogsOptions:
    """The arguments of `logs` that count for runs of this machine."""

    what: str
    pipeline: str | None
    run: str | None
    follow: bool
    state: Path


def local_logs(options: LocalLogsOptions) -> int:
    """Print the log of a task, and that of its job; return the exit code. Raises NotReadyError."""
    instance = _found(options)
    sys.stderr.write(f"{shown(instance.log)}\n")
    for line in instance.lines(follow=options.follow):
        sys.stdout.write(f"{safe(line, sys.stdout.encoding)}\n")
        sys.stdout.flush()
    return 0


@dataclass(slots=True)
class _LoggedTask:
    """One instance of a task of a run, and how much of its logs was read."""

    state: StateFolders
    record: Record
    task: str
    index: int
    read: dict[Path, int] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """The log of the newest try."""
        run = run_logs(self.state.logs, self.record.dag_id, self.record.run_id)
        folder = task_log(run, self.task, self.index, 1).parent
        # the triggerer's are called attempt=1.log.trigger.3.log
        tries = (each for each in folder.glob("attempt=*.log") if each.name.count(".") == 1)
        return max(tries, key=lambda path: (len(path.name), path.name), default=folder)

    def lines(self, *, follow: bool) -> Iterator[str]:
        """Yield the lines of both logs as they come; with `follow` until the task has ended."""
        while True:
            over = not follow or self._has_ended()  # before the last look, not after it
            yield from lines_of(self._new(self.log))
            yield from self._of_job()
            if over:
                return
            time.sleep(_PAUSE)

    def _of_job(self) -> Iterator[str]:
        job = vertex_job(self.log)
        attempts = self.state.emulator.glob(f"jobs/{_behind(self.state, job)}/attempt-*.log")
        for path in sorted(attempts, key=lambda each: (len(each.name), each.name)):
            for line in self._new(path).splitlines():
                yield f"  │ {line}"

    def _new(self, path: Path) -> str:
        """Return the complete lines that a file has got since the last look."""
        try:
            with path.open("rb") as file:
                file.seek(self.read.get(path, 0))
                text = file.read()
        except OSError:
            return ""
        whole = text[: text.rfind(b"\n") + 1]
        self.read[path] = self.read.get(path, 0) + len(whole)
        return whole.decode(errors="replace")

    def _has_ended(self) -> bool:
        """Whether nothing more will come: the task is over, or nobody runs it any more."""
        if not self.record.is_alive():
            return True
        key = (self.record.dag_id, self.record.run_id, self.task, self.index)
        with contextlib.closing(sqlite3.connect(self.state.database, timeout=60)) as connection:
            row = connection.execute(_ASK, key).fetchone()
        return row is not None and row[0] in FINISHED


def _found(options: LocalLogsOptions) -> _LoggedTask:
    """Return the task in the newest run that has a log of it."""
    match = _WHAT.fullmatch(options.what)
    task, index = (match["task"], int(match["index"] or -1)) if match else (options.what, -1)
    root = options.state.resolve()
    for record in records(root, options.pipeline):
        if options.run in {None, record.run_id}:
            found = _LoggedTask(StateFolders(root), record, task, index)
            if found.log.is_file():
                return found
    asked = {"pipeline": options.pipeline, "run": options.run}
    words = "".join(f" of the {key} `{value}`" for key, value in asked.items() if value)
    raise NotReadyError(
        f"no run{words} on this machine has a log of a task `{options.what}`",
        "write search.trial[3] for a trial; `dagfactory runs` lists the runs, --env looks in a cloud project",
    )


def _behind(state: StateFolders, job: str) -> str:
    """Return the number of the job behind a training pipeline; of any other job its own."""
    for path in state.emulator.glob(f"vertex/projects/*/locations/*/trainingPipelines/{job}.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            name = json.loads(path.read_text())["trainingTaskMetadata"]["backingCustomJob"]
            return str(name).rpartition("/")[2]
    return job or "none"
