"""What `execute` tells its caller while a run goes on, and what it returns at the end."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.run.login import Login


class RunError(DagfactoryError):
    """The run could not be carried out; `details` are further lines for the user."""

    exit_code = 1

    def __init__(self, message: str, *details: str) -> None:
        super().__init__(message)
        self.details = details


class NotReadyError(RunError):
    """Nothing was tried: Airflow is missing, or another run holds the same state folder."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of the start is done, `seconds` after the start."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Doing:
    """The step that is under way, until the next one."""

    name: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Airflow accepted the run; `url` is its page in Airflow's web UI.

    `kept` are the ids, of tasks and of groups around them, of what an earlier part of the run has made.
    """

    dag_id: str
    run_id: str
    url: str
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TasksKnown:
    """All tasks of the run by their ids, in the spec's order where that is known."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskChange:
    """A task (or one mapped instance of it) went from one state to another.

    `before` and `after` are Airflow's states, `none` for a task that waits for its upstream tasks;
    `seconds` is the duration once there is one; `note` says why (a failure, a job waited for).
    """

    task_id: str
    map_index: int
    before: str
    after: str
    try_number: int
    seconds: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class MappedProgress:
    """How the instances of a mapped task stand, by state."""

    task_id: str
    states: Counter[str]
    note: str = ""

    @property
    def done(self) -> int:
        """Instances that will not change any more."""
        return sum(n for state, n in self.states.items() if state in FINISHED)

    @property
    def total(self) -> int:
        """All instances known so far."""
        return self.states.total()


@dataclass(frozen=True, slots=True)
class JobSays:
    """The last line that the running job of a task has printed."""

    task_id: str
    line: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over: `state` as in `RunResult`."""

    run_id: str
    state: str
    seconds: float


Event = Phase | Doing | RunStarted | RunEnded | TasksKnown | TaskChange | MappedProgress | JobSays

Sink = Callable[[Event], None]
"""What takes the events of a run as they come."""

FINISHED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed task instance: its log, how that log ends, and the log of its Vertex AI job."""

    task: str
    log: Path | None
    tail: tuple[str, ...]
    job_log: Path | None = None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task of the finished run, mapped instances added up."""

    task_id: str
    operator: str
    state: str
    tries: int
    seconds: float | None
    instances: Counter[str] = field(default_factory=Counter)
    value: Any = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run: `state` is Airflow's (`success`, `failed`) or `timeout`."""

    dag_id: str
    run_id: str
    state: str
    seconds: float
    url: str
    login: Login
    tasks: tuple[TaskResult, ...]
    failures: tuple[Failure, ...]
    logs: Path
    objects: Path
    phases: tuple[Phase, ...] = ()
    instances: tuple[Mapping[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the whole run succeeded."""
        return self.state == "success"
