"""Run a folder of rendered DAGs in a real Airflow against the local emulator."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagfactory.run.events import Event, RunError, RunResult, RunStarted
from dagfactory.run.line import line_of
from dagfactory.run.logs import run_logs
from dagfactory.run.parsed import DagParsed
from dagfactory.run.pools import declare_pools
from dagfactory.run.rest import Api, ApiError
from dagfactory.run.results import failures, task_results
from dagfactory.run.stack import Clock, Stack, Start
from dagfactory.run.state import State, locked
from dagfactory.run.watch import Watcher


@dataclass(frozen=True, slots=True)
class Options:
    """How to run a DAG.

    `target` is the Airflow line that the DAGs were rendered for. `params` go to the run as its
    configuration. `emulator` are further arguments for the emulator, None runs without one.
    `timeout` bounds the DAG run in seconds. `fresh` forgets earlier state. With `ui` Airflow serves
    the logs of running tasks; `hold` is called with the result while Airflow is still up.
    """

    target: str = "airflow3"
    params: Mapping[str, Any] = field(default_factory=dict)
    emulator: Sequence[str] | None = ()
    timeout: float | None = None
    fresh: bool = False
    ui: bool = False
    hold: Callable[[RunResult], None] | None = None


def execute(
    dags: Path, dag_id: str, *, state: State, options: Options, on_event: Callable[[Event], None]
) -> RunResult:
    """Run `dag_id` of the folder `dags` once, to its end, and return what happened.

    `state` is kept for the next run. No process is left when this returns or raises.
    Raises NotReadyError when another run holds the state or Airflow is missing, RunError when
    Airflow breaks or refuses the DAG.
    """
    line = line_of(options.target)
    state = replace(state, target=line.target)
    clock = Clock(on_event)
    with locked(state.root):
        if options.fresh:
            state.clear()
        start = Start(state, dags, clock, line, options.emulator, options.ui)
        with start.up() as stack:
            declare_pools(stack.api, dags)
            run = _Run(stack, state, dag_id, clock)
            result = run.complete(options.params, options.timeout or float("inf"))
            if options.hold:
                options.hold(result)
            return result


@dataclass(frozen=True, slots=True)
class _Run:
    stack: Stack
    state: State
    dag_id: str
    clock: Clock

    def complete(self, params: Mapping[str, Any], timeout: float) -> RunResult:
        """Start the run as soon as the DAG is there, follow it, and gather its results."""
        api, clock = self.stack.api, self.clock
        self.stack.wait(DagParsed(api, self.dag_id, clock.began), f"DAG {self.dag_id}")
        clock.reached("DAG parsed")
        run_id = trigger(api, self.dag_id, params)
        url = f"{api.url}/dags/{self.dag_id}/runs/{run_id}"
        clock.tell(RunStarted(self.dag_id, run_id, url))
        watcher = Watcher(
            api, self.dag_id, run_id, run_logs(self.state.logs, self.dag_id, run_id), clock.tell
        )
        ended = watcher.follow(self.stack, time.monotonic() + timeout)
        return self._result(watcher, ended, url)

    def _result(self, watcher: Watcher, ended: str, url: str) -> RunResult:
        return RunResult(
            dag_id=self.dag_id,
            run_id=watcher.run_id,
            state=ended,
            seconds=self.clock.now,
            url=url,
            tasks=task_results(watcher, self.state.objects),
            failures=failures(watcher, self.state.emulator),
            logs=self.state.logs,
            objects=self.state.objects,
            phases=tuple(self.clock.phases),
        )


def trigger(api: Api, dag_id: str, params: Mapping[str, Any]) -> str:
    """Unpause the DAG, start a run and return its id; RunError when Airflow refuses it."""
    try:
        api.patch("dags", dag_id, body={"is_paused": False})
        now = dt.datetime.now(dt.UTC).isoformat()
        body = {"logical_date": now, "conf": dict(params)}
        return str(api.post("dags", dag_id, "dagRuns", body=body)["dag_run_id"])
    except ApiError as error:
        reason, *details = str(error).splitlines() or [""]
        raise RunError(f"Airflow refused to start {dag_id}: {reason}", *details) from None
