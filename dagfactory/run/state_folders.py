"""The folders of a local run, the lock on them, and what of the last run must be forgotten.

`.dagfactory/home` is AIRFLOW_HOME with the SQLite database (migrated once per Airflow version),
`.dagfactory/emulator` holds the buckets, models and jobs, `.dagfactory/logs` every log.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dagfactory.emulator.files import PRIVATE, private_folder
from dagfactory.results.paths import RECORDS
from dagfactory.run.events import NotReadyError

STATE = Path(".dagfactory")
"""The state folder of who names none."""


@dataclass(frozen=True, slots=True)
class StateFolders:
    """Where a run keeps its things; `root` must be absolute."""

    root: Path
    target: str = "airflow3"

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME; each Airflow line has its own, for no line reads the other's database."""
        return self.root / ("home" if self.target == "airflow3" else f"home-{self.target}")

    @property
    def emulator(self) -> Path:
        """The emulator's own folder."""
        return self.root / "emulator"

    @property
    def logs(self) -> Path:
        """Logs of components (`*.log`) and of tasks (`tasks/`)."""
        return self.root / "logs"

    @property
    def database(self) -> Path:
        """Airflow's SQLite file."""
        return self.home / "airflow.db"

    @property
    def passwords(self) -> Path:
        """Who may log in to Airflow, while it runs."""
        return self.home / "passwords.json"

    @property
    def links(self) -> Path:
        """Links that log in to Airflow and were not used yet, while it runs."""
        return self.home / "links"

    @property
    def runs(self) -> Path:
        """What is remembered of each run."""
        return self.root / RECORDS

    @property
    def socket(self) -> Path:
        """Where `dagfactory up` listens."""
        return self.root / "up.sock"

    @property
    def warm(self) -> Path:
        """The dags folder of the runs that borrow the Airflow of `dagfactory up`."""
        return self.root / "bundles" / "up"

    @property
    def objects(self) -> Path:
        """Where `gs://BUCKET/NAME` lies as the file BUCKET/NAME."""
        return self.emulator / "gcs"

    def prepare(self) -> None:
        """Make the folders; component logs of the last run are emptied, task logs stay."""
        for folder in (self.home, self.emulator, self.logs):
            private_folder(folder)
        # keys and models of a run must not end up in a commit
        (self.root / ".gitignore").write_text("*\n")
        # a *.pid: its number may be another process's by now, and Airflow 2's server then refuses to start
        for stale in self.home.glob("*.pid"):
            stale.unlink()
        self.empty_logs()

    def empty_logs(self, keep: Collection[str] = ()) -> None:
        """Delete the logs of components, but those of some, and that of an `up` that is starting."""
        for log in self.logs.glob("*.log"):
            if log.stem not in {"up", *keep}:
                log.unlink()

    def clear(self) -> None:
        """Delete everything an earlier run left (the lock must be held)."""
        for folder in (self.home, self.emulator, self.logs, self.runs):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Let what is written in a block, by whatever it starts too, be readable by its owner only."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold `root` for one run; raises NotReadyError at once when another run has it.

    The kernel drops the lock with the process, so no crash can leave a stale one.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    # not "w": who comes second must not empty the file that says who was first
    with (root / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise NotReadyError(
                f"another `dagfactory run` or `dagfactory up` is using {root} (process {holder})",
                "wait for it to end (`up --stop` ends one), or give this run its own folder with --state DIR",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_migrated(state: StateFolders, version: str) -> bool:
    """Whether the database was migrated by this very Airflow version."""
    # a file, because Airflow's own answer (`db check-migrations`) costs an import of it
    stamp = state.home / "migrated-by"
    return state.database.exists() and stamp.exists() and stamp.read_text() == version


def mark_migrated(state: StateFolders, version: str) -> None:
    """Remember who migrated the database."""
    (state.home / "migrated-by").write_text(version)


_FORGET = (
    # first, for it refers to what the last statement deletes
    "UPDATE task_instance SET trigger_id = NULL WHERE trigger_id IS NOT NULL",
    """UPDATE task_instance SET state = 'failed'
       WHERE state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')""",
    "UPDATE dag_run SET state = 'failed' WHERE state IN ('queued', 'running')",
    "UPDATE job SET state = 'failed' WHERE state = 'running'",
    "DELETE FROM trigger",
)


_BEGIN_AGAIN = """UPDATE task_instance
    SET state = NULL, trigger_id = NULL, next_method = NULL, next_kwargs = NULL
    WHERE run_id = ? AND state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')"""


def forget_unfinished(database: Path, going_on: str | None = None) -> None:
    """Close what an interrupted run left open, or this run's scheduler would go on with it.

    Of a run that is gone on with the unfinished tasks begin again instead, as another try of theirs:
    that finds the job of the try before, also one that has succeeded since.
    Done in SQL before any component runs: nothing else is connected, and no REST call could be
    quicker than a scheduler that has just found a queued task.
    """
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        if going_on:
            connection.execute(_BEGIN_AGAIN, (going_on,))
        for statement in _FORGET:
            connection.execute(statement)
