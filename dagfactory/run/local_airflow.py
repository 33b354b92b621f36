"""Bring up Airflow and the emulator, each part as soon as what it needs is there."""

import contextlib
import datetime as dt
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dagfactory.emulator.client import READY_FILE
from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.airflow_install import AirflowLine
from dagfactory.run.events import Doing, Phase, RunError, Sink
from dagfactory.run.login import Login
from dagfactory.run.processes import Components, Processes
from dagfactory.run.settings import (
    SERVER_MODULES,
    WARM_MODULES,
    airflow_environment,
    preload_modules,
)
from dagfactory.run.state_folders import (
    StateFolders,
    forget_unfinished,
    is_migrated,
    mark_migrated,
)

_START_WITHIN = 180.0  # seconds for any one step; a busy laptop may need many times the usual
_NO_LOG_SERVER = ("--skip-serve-logs",)  # it would listen on all addresses; see `embedded.logs`


@dataclass(slots=True)
class PhaseTimer:
    """Seconds since the command began, and the phases reached so far."""

    tell: Sink
    began: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    started: float = field(default_factory=time.monotonic)
    phases: list[Phase] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def doing(self, name: str) -> None:
        """Tell which step is under way."""
        self.tell(Doing(name))

    def reached(self, name: str) -> None:
        """Note and tell that a step is done."""
        phase = Phase(name, round(self.now, 2))
        self.phases.append(phase)
        self.tell(phase)


@dataclass(frozen=True, slots=True)
class RunningAirflow:
    """A running Airflow: its API and its processes."""

    api: AirflowApi
    processes: Components

    def wait(self, ready: Callable[[], bool], what: str, *, every: float = 0.1) -> None:
        """Wait until `ready`; RunError when a process dies or it takes too long."""
        deadline = time.monotonic() + _START_WITHIN
        while not ready():
            if time.monotonic() > deadline:
                raise RunError(
                    f"{what} was not ready within {_START_WITHIN:.0f} s, see {self.processes.logs}"
                )
            self.processes.check(wait=every)


@dataclass(frozen=True, slots=True)
class AirflowStart:
    """What is started: Airflow over `dags`, and the emulator with `emulator` as further arguments.

    `emulator` None means none; `going_on` is the id of an earlier run that will be gone on with.
    """

    state: StateFolders
    dags: Path
    timer: PhaseTimer
    line: AirflowLine
    emulator: Sequence[str] | None = ()
    going_on: str | None = None

    @contextlib.contextmanager
    def up(self) -> Iterator[RunningAirflow]:
        """Yield a running Airflow; on leaving, for whatever reason, nothing of it is left."""
        self.state.prepare()
        with reserved_port() as port, self._login() as login, self._processes(port) as processes:
            airflow = RunningAirflow(AirflowApi(port, login, self.line.api), processes)
            self._spawn_emulator(processes)
            processes.tell(
                "import", preload=[]
            )  # in the supervisor, while the emulator starts beside it
            self._prepare_database(processes)
            self._start_components(airflow, processes)
            yield airflow

    @contextlib.contextmanager
    def _login(self) -> Iterator[Login]:
        """Make the login of this run; its files end with the processes that read them."""
        login, file = Login(), self.state.passwords
        # those of a run that was killed
        shutil.rmtree(self.state.links, ignore_errors=True)
        login.write(file)
        try:
            yield login
        finally:
            file.unlink(missing_ok=True)
            shutil.rmtree(self.state.links, ignore_errors=True)

    def _processes(self, port: int) -> Processes:
        environment = airflow_environment(self.state, self.dags.resolve(), port, self.line)
        return Processes(self.state.logs, environment, self.line.python)

    @property
    def _ready_file(self) -> Path:
        return self.state.emulator / READY_FILE

    def _spawn_emulator(self, processes: Processes) -> None:
        if self.emulator is None:
            return
        # that of the last run would pass for an emulator that is up
        self._ready_file.unlink(missing_ok=True)
        # not the line's Python: the environment of Airflow 2 has nothing of dagfactory
        module = [sys.executable, "-m", "dagfactory.emulator"]
        folder = str(self.state.emulator)
        processes.spawn("emulator", [*module, "--state", folder, *self.emulator])

    def _prepare_database(self, processes: Processes) -> None:
        version = self.line.version
        if is_migrated(self.state, version):
            forget_unfinished(self.state.database, self.going_on)
            return
        self.timer.doing("migrating Airflow's database, once for this folder")
        processes.airflow("migrate", "db", "migrate")
        if processes.finished("migrate", within=_START_WITHIN) != 0:
            raise RunError(f"`airflow db migrate` failed, see {processes.log('migrate')}")
        mark_migrated(self.state, version)
        self.timer.reached("database migrated")

    @contextlib.contextmanager
    def kept(self) -> Iterator[tuple[RunningAirflow, Processes]]:
        """Yield an Airflow that has only its server, and forks of it can be made that need no import."""
        self.state.prepare()
        with reserved_port() as port, self._login() as login, self._processes(port) as processes:
            airflow = RunningAirflow(AirflowApi(port, login, self.line.api), processes)
            processes.tell("import", preload=WARM_MODULES)
            self._prepare_database(processes)
            processes.airflow(self.line.server, *self.line.serve(port), preload=SERVER_MODULES)
            airflow.wait(airflow.api.answers, "Airflow's API server")
            # or the first task would wait for it, for seconds
            airflow.api.ready_for_tasks()
            yield airflow, processes

    def begin(self, airflow: RunningAirflow, processes: Processes, folder: str) -> None:
        """Start what a run needs beside the server, all of it new, with tasks and jobs in `folder`."""
        self.state.empty_logs(keep=("supervisor", self.line.server))
        forget_unfinished(self.state.database, self.going_on)
        self._ready_file.unlink(missing_ok=True)
        arguments = ["--state", str(self.state.emulator), *(self.emulator or ())]
        processes.program("emulator", "dagfactory.emulator.__main__", arguments, folder)
        self._wait_for_emulator(airflow)
        self._use_emulator(processes, "env")
        processes.airflow("dag-processor", "dag-processor", folder=folder)
        processes.airflow("scheduler", "scheduler", *_NO_LOG_SERVER, folder=folder)
        self._use_emulator(processes, "direct")
        processes.airflow("triggerer", "triggerer", *_NO_LOG_SERVER, folder=folder)

    def _start_components(self, airflow: RunningAirflow, processes: Processes) -> None:
        preload = preload_modules(self.dags, self.line.target)
        arguments = self.line.serve(airflow.api.port)
        # first, being the slowest: it has four seconds of imports of its own
        processes.airflow(self.line.server, *arguments, preload=preload["server"])
        self.timer.doing("importing Airflow")
        airflow.wait(lambda: processes.imported, "Airflow's import", every=1.0)
        self.timer.reached("Airflow imported")
        self._wait_for_emulator(airflow)
        # the server was started without: it calls nothing of Google's
        self._use_emulator(processes, "env")
        if self.line.processor:
            processes.airflow("dag-processor", "dag-processor")
        processes.airflow("scheduler", "scheduler", *_NO_LOG_SERVER, preload=preload["scheduler"])
        self.timer.doing("starting Airflow's API server")
        airflow.wait(airflow.api.answers, "Airflow's API server")
        self.timer.reached("API server up")
        self._use_emulator(processes, "direct")  # triggers have clients that ignore proxies
        # last: it imports Google's trigger, seven seconds of CPU that the others' start needs more
        processes.airflow("triggerer", "triggerer", *_NO_LOG_SERVER, preload=preload["triggerer"])

    def _wait_for_emulator(self, airflow: RunningAirflow) -> None:
        if self.emulator is not None:
            self.timer.doing("starting the emulator")
            airflow.wait(self._ready_file.exists, "the emulator", every=0.05)
            self.timer.reached("emulator up")

    def _use_emulator(self, processes: Processes, way: str) -> None:
        """Point every later component, and so every task, to the emulator."""
        if self.emulator is not None:
            processes.environ(json.loads(self._ready_file.read_text())[way])


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of the loopback that, while the block runs, goes to nobody but who names it.

    A server that is given the number can listen there, as one that sets SO_REUSEADDR does (asyncio
    and gunicorn do). Linux only.
    """
    with socket.socket() as reservation:
        # The API server listens seconds later, and the emulator takes ports of its own meanwhile. Bound
        # but not listening, with SO_REUSEADDR on both sides, is what Linux lets a second one share;
        # whoever asks for any port at all is given another.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        yield int(reservation.getsockname()[1])
