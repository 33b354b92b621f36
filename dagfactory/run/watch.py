"""Follow a run through Airflow's REST API and tell what changed."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.approvals import Approvals, is_asking
from dagfactory.run.blame import Blame
from dagfactory.run.events import JobSays, MappedProgress, RunError, Sink, TaskChange, TasksKnown
from dagfactory.run.job_words import JobWords
from dagfactory.run.local_airflow import RunningAirflow
from dagfactory.run.logs import failure_text, task_log, vertex_job
from dagfactory.runtime.labels import label

_EVERY = 0.25  # seconds between two looks, at least
_SHARE = 2  # … and at least this many times what a look costs: 1,000 trials make it slow
_SLOWEST = 2.0
_LIMIT = 10000  # as API__MAXIMUM_PAGE_LIMIT allows
_FAILED = frozenset({"failed", "up_for_retry"})
_WAITING = frozenset({"running", "deferred"})  # as a task does whose job runs

Key = tuple[str, int]
Instance = Mapping[str, Any]


@dataclass(slots=True)
class Watcher:
    """The last known state of every task instance of one run."""

    api: AirflowApi
    dag_id: str
    run_id: str
    logs: Path
    tell: Sink
    order: Sequence[str] = ()
    approvals: Approvals = field(default_factory=Approvals)
    words: JobWords | None = None
    known: dict[Key, Instance] = field(default_factory=dict)
    _mapped: dict[str, MappedProgress] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _blame: Blame = field(init=False)

    def __post_init__(self) -> None:
        self._blame = Blame(self.api, self.dag_id)

    def follow(self, airflow: RunningAirflow, until: float) -> str:
        """Look until the run is over and return its state, `timeout` when it takes too long.

        `until` is a reading of the monotonic clock. RunError when the run's folder is gone.
        """
        while True:
            began = time.monotonic()
            _require(airflow.processes.logs)
            state = str(self.run()["state"])
            self.look()
            self.listen()
            self.answer()
            if state in {"success", "failed"}:
                return state
            if began > until:
                return "timeout"
            cost = time.monotonic() - began
            # waiting is listening: the end of a component is told at once
            airflow.processes.check(wait=min(max(_EVERY, _SHARE * cost), _SLOWEST))

    def answer(self) -> None:
        """Send the answers that there are, and say whose turn it is on the terminal."""
        waiting = [key for key, one in self.known.items() if is_asking(one)]
        asked = self.approvals.turn
        self.approvals.answer(self.api, ("dags", self.dag_id, "dagRuns", self.run_id), waiting)
        turn = self.approvals.turn
        if asked and turn and turn != asked:
            self._tell(self.known[turn], self.known[turn], self.approvals.told(turn))

    def run(self) -> dict[str, Any]:
        """Return the dag run as Airflow knows it."""
        return self.api.get("dags", self.dag_id, "dagRuns", self.run_id)

    def look(self) -> None:
        """Read all task instances once and tell what changed since the last look."""
        path = ("dags", self.dag_id, "dagRuns", self.run_id, "taskInstances")
        fresh: dict[Key, Instance] = {
            (one["task_id"], one["map_index"]): one
            for one in self.api.get(*path, limit=_LIMIT)["task_instances"]
        }
        if not self.known:
            self.tell(TasksKnown(in_order({task_id for task_id, _ in fresh}, self.order)))
        changed = [key for key, one in fresh.items() if _differs(self.known.get(key), one)]
        before, self.known = self.known, fresh
        for key in sorted(changed, key=lambda key: (_moment(fresh[key]), key)):
            self._change(before.get(key), fresh[key])
        for task_id in sorted({task_id for task_id, index in changed if index >= 0}):
            self._progress(task_id)

    def listen(self) -> None:
        """Tell what the jobs of tasks that wait for them have said since."""
        waiting = {task_id for (task_id, _), one in self.known.items() if _state(one) in _WAITING}
        said = self.words.of(self.dag_id, self.run_id) if self.words and waiting else {}
        for task_id in sorted(waiting):
            line = said.get(label(task_id))
            if line and line != self._said.get(task_id):
                self._said[task_id] = line
                self.tell(JobSays(task_id, line))

    def _change(self, before: Instance | None, now: Instance) -> None:
        """Tell one change; a mapped instance only speaks for itself when it failed."""
        if now["map_index"] >= 0 and _state(now) not in _FAILED:
            return
        if before is None and now["state"] is None:
            return
        self._tell(before, now, self.note(now))

    def _tell(self, before: Instance | None, now: Instance, note: str) -> None:
        self.tell(
            TaskChange(
                task_id=now["task_id"],
                map_index=now["map_index"],
                before=_state(before),
                after=_state(now),
                try_number=max(1, now["try_number"]),
                seconds=now["duration"],
                note=note,
            )
        )

    def _progress(self, task_id: str) -> None:
        instances = [
            one for (name, index), one in self.known.items() if name == task_id and index >= 0
        ]
        progress = MappedProgress(task_id, Counter(_state(one) for one in instances))
        if progress != self._mapped.get(task_id):
            self._mapped[task_id] = progress
            self.tell(progress)

    def _states(self) -> dict[str, set[str]]:
        """Return the states of each task's instances."""
        found: dict[str, set[str]] = {}
        for (task_id, _), one in self.known.items():
            found.setdefault(task_id, set()).add(_state(one))
        return found

    def log(self, one: Instance) -> Path:
        """Return the log file of an instance's present try."""
        return task_log(self.logs, one["task_id"], one["map_index"], max(1, one["try_number"]))

    def note(self, one: Instance) -> str:
        """Say why an instance is in its state, where that needs saying."""
        state = _state(one)
        if state in _FAILED:
            return failure_text(self.log(one))
        if state == "upstream_failed":
            return self._blame.note(one["task_id"], self._states())
        if is_asking(one):
            run = ("dags", self.dag_id, "dagRuns", self.run_id)
            return self.approvals.ask(self.api, run, one["task_id"], one["map_index"])
        if state == "deferred":
            return waits_for(one, vertex_job(self.log(one)))
        if state == "running" and one["try_number"] > 1:
            return f"try {one['try_number']} of {one['max_tries'] + 1}"
        return ""


def _require(folder: Path) -> None:
    # Airflow goes on with a database and DAGs that have been deleted under it, and nothing ends any more
    if not folder.is_dir():
        raise RunError(f"{folder} was deleted while the run needed it")


def in_order(task_ids: Collection[str], order: Sequence[str]) -> tuple[str, ...]:
    """Sort Airflow's tasks as the spec has them: `search.best` where `search` stands."""
    place = {name: index for index, name in enumerate(order)}

    def key(task_id: str) -> tuple[int, str]:
        parts = task_id.split(".")
        # the innermost id that the spec knows: members of a group stand at their own places
        found = [place[part] for part in parts if part in place]
        return (found[-1] if found else len(place)), task_id

    return tuple(sorted(task_ids, key=key))


def waits_for(one: Instance, job: str) -> str:
    """Say what a deferred task waits for: its Vertex AI job, else its trigger."""
    trigger = (one.get("trigger") or {}).get("classpath", "")
    if "vertex_ai" in trigger or job:
        return f"waiting for Vertex job {job}".rstrip()
    return f"waiting for {trigger.rpartition('.')[2]}" if trigger else "waiting"


def _state(one: Instance | None) -> str:
    return "none" if one is None or one["state"] is None else str(one["state"])


def _differs(before: Instance | None, now: Instance) -> bool:
    if before is None:
        return True
    return _state(before) != _state(now) or before["try_number"] != now["try_number"]


def _moment(one: Instance) -> str:
    """Order changes seen in one look by when they happened (ISO 8601 in UTC sorts as text)."""
    return str(one["end_date"] or one["start_date"] or "~")
