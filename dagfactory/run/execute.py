"""Run a folder of rendered DAGs in a real Airflow against the local emulator."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagfactory.run.airflow_api import AirflowApi, AirflowApiError, AirflowGoneError
from dagfactory.run.airflow_install import line_of
from dagfactory.run.approvals import Approvals
from dagfactory.run.dag_parsed import DagParsed
from dagfactory.run.disk import full
from dagfactory.run.events import RunEnded, RunError, RunResult, RunStarted, Sink
from dagfactory.run.go_on import GoOn, clear
from dagfactory.run.job_words import JobWords
from dagfactory.run.local_airflow import AirflowStart, PhaseTimer, RunningAirflow
from dagfactory.run.logs import run_logs
from dagfactory.run.pools import declare_pools
from dagfactory.run.results import failures, task_results
from dagfactory.run.state_folders import StateFolders, locked, private_files
from dagfactory.run.warm.client import Lease
from dagfactory.run.watch import Watcher

_LAST_WORDS = 5.0  # seconds in which the end of a component is told


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a DAG.

    `target` is the Airflow line that the DAGs were rendered for. `params` go to the run as its
    configuration. `emulator` are further arguments for the emulator, None runs without one.
    `timeout` bounds the DAG run in seconds. `fresh` forgets earlier state. `hold` is called with
    the result while Airflow is still up. `order` are the ids of the spec's tasks as a reader knows them.
    `approvals` answers what the run asks. `lease` is of an Airflow that stays. `go_on` is an earlier run
    to go on with, in place of a new one.
    """

    target: str = "airflow3"
    params: Mapping[str, Any] = field(default_factory=dict)
    emulator: Sequence[str] | None = ()
    timeout: float | None = None
    fresh: bool = False
    hold: Callable[[RunResult], None] | None = None
    order: Sequence[str] = ()
    approvals: Approvals = field(default_factory=Approvals)
    lease: Lease | None = None
    go_on: GoOn | None = None

    @property
    def going_on(self) -> str | None:
        """The id of the run that is gone on with."""
        return self.go_on.run_id if self.go_on else None


def execute(
    dags: Path,
    dag_id: str,
    *,
    state: StateFolders,
    options: RunOptions,
    on_event: Sink,
) -> RunResult:
    """Run `dag_id` of the folder `dags` once, to its end, and return what happened.

    `state` is kept for the next run. No process is left when this returns or raises, but for those of
    an Airflow that stays, where the options hold a lease of it; `dags` is then its folder.
    Raises NotReadyError when another run holds the state or Airflow is missing, RunError when
    Airflow breaks or refuses the DAG.
    """
    with session(dags, state=state, options=options, on_event=on_event) as running:
        begun = running.start(dag_id, options.params, options.go_on)
        result = begun.complete(options.timeout or float("inf"))
        if options.hold:
            options.hold(result)
        return result


@contextmanager
def session(
    dags: Path,
    *,
    state: StateFolders,
    options: RunOptions,
    on_event: Sink,
) -> Iterator["AirflowSession"]:
    """Bring up Airflow over a folder of DAGs, for any number of runs, one after or beside another.

    Raises as `execute` does; no process is left when the block ends.
    """
    timer = PhaseTimer(on_event)
    if options.lease:
        emulator = tuple(options.emulator or ())
        airflow = options.lease.begin(emulator=emulator, going_on=options.going_on)
        timer.reached("Airflow of `dagfactory up` ready")
        with explained(airflow):
            declare_pools(airflow.api, dags)
            yield AirflowSession(airflow, state, timer, options.order, options.approvals)
        return
    line = line_of(options.target)
    state = replace(state, target=line.target)
    with private_files(), locked(state.root):
        # only with the lock: an earlier run may still be writing there
        if options.fresh:
            state.clear()
        start = AirflowStart(state, dags, timer, line, options.emulator, options.going_on)
        with start.up() as airflow, explained(airflow):
            declare_pools(airflow.api, dags)
            yield AirflowSession(airflow, state, timer, options.order, options.approvals)


@contextmanager
def explained(airflow: RunningAirflow) -> Iterator[None]:
    """Raise RunError for a request that Airflow failed in a block: with what has ended, or a full disk."""
    try:
        yield
    except (AirflowGoneError, AirflowApiError) as error:
        # a server that is killed in the middle of a request is heard of a moment later
        airflow.processes.check(wait=_LAST_WORDS)
        raise RunError(str(error), *full(airflow.processes.logs)) from None


@dataclass(frozen=True, slots=True)
class AirflowSession:
    """A running Airflow that takes DAG runs."""

    airflow: RunningAirflow
    state: StateFolders
    timer: PhaseTimer
    order: Sequence[str] = ()
    approvals: Approvals = field(default_factory=Approvals)

    def start(self, dag_id: str, params: Mapping[str, Any], go_on: GoOn | None = None) -> "DagRun":
        """Start a run, or go on with one, as soon as the DAG is there; RunError when refused."""
        self.timer.doing(f"Airflow parses {dag_id}")
        self.airflow.wait(DagParsed(self.airflow.api, dag_id, self.timer.began), f"DAG {dag_id}")
        self.timer.reached("DAG parsed")
        made = self._made(dag_id, params, go_on)
        # only now, so that the run above is the first (CORE__DAGS_ARE_PAUSED_AT_CREATION)
        self.airflow.api.patch("dags", dag_id, body={"is_paused": False})
        return made

    def _made(self, dag_id: str, params: Mapping[str, Any], go_on: GoOn | None) -> "DagRun":
        api, tell = self.airflow.api, self.timer.tell
        if go_on:
            run_id, kept = go_on.run_id, resume(api, dag_id, go_on)
        else:
            run_id, kept = trigger(api, dag_id, params), frozenset()
        url = f"{api.url}/dags/{dag_id}/runs/{run_id}"
        tell(RunStarted(dag_id, run_id, url, kept))
        logs = run_logs(self.state.logs, dag_id, run_id)
        # of its own: what one run asks is not open in another
        approvals = replace(self.approvals)
        words = JobWords(self.state.emulator / "jobs")
        watcher = Watcher(api, dag_id, run_id, logs, tell, self.order, approvals, words)
        return DagRun(self, watcher, url)


@dataclass(frozen=True, slots=True)
class DagRun:
    """A run that was started."""

    session: AirflowSession
    watcher: Watcher
    url: str

    def complete(self, timeout: float) -> RunResult:
        """Follow the run to its end, for `timeout` seconds at most, and gather its results."""
        ended = self.watcher.follow(self.session.airflow, time.monotonic() + timeout)
        timer = self.session.timer
        timer.tell(RunEnded(self.watcher.run_id, ended, timer.now))
        return self._result(ended)

    def _result(self, ended: str) -> RunResult:
        state, timer = self.session.state, self.session.timer
        return RunResult(
            dag_id=self.watcher.dag_id,
            run_id=self.watcher.run_id,
            state=ended,
            seconds=timer.now,
            url=self.url,
            login=self.session.airflow.api.login,
            tasks=task_results(self.watcher, state.objects),
            failures=failures(self.watcher, state.emulator),
            logs=state.logs,
            objects=state.objects,
            phases=tuple(timer.phases),
            instances=tuple(self.watcher.known.values()),
        )


def trigger(api: AirflowApi, dag_id: str, params: Mapping[str, Any]) -> str:
    """Create a run and return its id; RunError when Airflow refuses it."""
    try:
        # a run that assets start has no logical date on Airflow 3, and so no `{{ ds }}`: nor has it here
        by_assets = api.get("dags", dag_id, "details").get("asset_expression")
        now = None if by_assets else dt.datetime.now(dt.UTC).isoformat()
        body = {"logical_date": now, "conf": dict(params)}
        return str(api.post("dags", dag_id, "dagRuns", body=body)["dag_run_id"])
    except AirflowApiError as error:
        reason, *details = str(error).splitlines() or [""]
        raise RunError(f"Airflow refused to start {dag_id}: {reason}", *details) from None


def resume(api: AirflowApi, dag_id: str, go_on: GoOn) -> frozenset[str]:
    """Clear tasks of an earlier run and return the ids of those that stay; RunError when Airflow refuses."""
    try:
        return clear(api, dag_id, go_on)
    except AirflowApiError as error:
        raise RunError(f"Airflow cannot go on with {go_on.run_id}: {error}") from None
