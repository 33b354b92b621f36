"""Keep an Airflow, lend it to one run after the other, and end when nobody has wanted it for a while."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from dagfactory.run.airflow_install import line_of
from dagfactory.run.events import RunError
from dagfactory.run.local_airflow import AirflowStart, PhaseTimer, RunningAirflow
from dagfactory.run.processes import Processes
from dagfactory.run.state_folders import StateFolders, locked, private_files
from dagfactory.run.warm.identity import identity
from dagfactory.run.warm.wire import Peer, listening, readable

_LOOK = 5.0  # seconds between two looks at whether to end
_FIRST_WORD = 5.0  # seconds that a caller gets to say what it wants


def serve(state: StateFolders, idle: float) -> None:
    """Keep an Airflow for the project of `state` until told to stop, or `idle` seconds without a run.

    Raises NotReadyError when a run or another `up` has the project.
    """
    # outermost: who has told us to stop waits until nothing of us is left, the lock included
    with ExitStack() as callers, private_files(), locked(state.root):
        start = AirflowStart(state, state.warm, PhaseTimer(lambda _: None), line_of("airflow3"))
        with start.kept() as (airflow, processes), listening(state.socket) as listener:
            Keeper(start, airflow, processes, listener, idle, callers).serve()


@dataclass(slots=True)
class Keeper:
    """The loop of `up`: whom it lends to, and since when nobody has asked."""

    start: AirflowStart
    airflow: RunningAirflow
    processes: Processes
    listener: socket.socket
    idle: float
    callers: ExitStack
    identity: dict[str, str] = field(default_factory=identity)
    lease: Peer | None = None
    holder: int = 0
    since: float = field(default_factory=time.monotonic)
    stopping: bool = False

    def serve(self) -> None:
        """Listen to callers, to the run and to the processes until it is over."""
        while not self._is_over():
            files = [self.listener, self.processes, *filter(None, [self.lease])]
            ready = readable(files, _LOOK)
            if self.processes in ready:
                self._hear()
            if self.lease in ready:
                self._obey()
            if self.listener in ready:
                self._welcome(Peer(self.listener.accept()[0]))

    def _is_over(self) -> bool:
        # a folder that was deleted takes its socket along: nobody could find us again
        gone = not self.start.state.socket.exists()
        unused = self.lease is None and time.monotonic() - self.since > self.idle
        return self.stopping or gone or unused

    def _hear(self) -> None:
        """Tell the run that a component has ended; without one, or without the server, it is our end."""
        try:
            self.processes.check()
        except RunError as error:
            if self.lease:
                _fail(self.lease, error)
            if self.lease is None or not self.airflow.api.answers():
                raise

    def _obey(self) -> None:
        if self.lease is None:
            return
        try:
            message = self.lease.read(_FIRST_WORD)
            if message:
                self._begin(self.lease, message)
                return
        except RunError as error:
            _fail(self.lease, error)
            return
        except (TimeoutError, ValueError, KeyError):
            pass
        self._release()

    def _begin(self, lease: Peer, message: Mapping[str, Any]) -> None:
        """Start a run's components with the variables and in the folder of who asks for them."""
        own = dict(self.processes.environment)
        path = os.pathsep.join(
            [str(Path(self.start.line.python).parent), message["environ"]["PATH"]]
        )
        self.processes.environ({**message["environ"], **own, "PATH": path}, only=True)
        given = {name: message[name] for name in ("emulator", "going_on")}
        start = replace(self.start, **given)
        start.begin(self.airflow, self.processes, message["folder"])
        lease.send(event="up", **self._address())

    def _release(self) -> None:
        """End what the run had."""
        self.processes.end(keep=[self.start.line.server])
        if self.lease:
            self.lease.socket.close()
        self.lease, self.since = None, time.monotonic()

    def _welcome(self, peer: Peer) -> None:
        try:
            message = peer.read(_FIRST_WORD) if peer.is_own else None
        except (TimeoutError, ValueError):
            message = None
        match message:
            case {"do": "lease", "pid": pid} if self.lease is None:
                self.lease, self.holder = peer, pid
                peer.send(event="leased", identity=self.identity)
                return
            case {"do": "lease"}:
                peer.send(event="busy", pid=self.holder)
            case {"do": "stop"}:
                self.stopping = True
                peer.send(event="stopping")
                self.callers.enter_context(peer)
                return
            case {"do": "status"}:
                peer.send(event="up", idle=self.idle, **self._address())
        peer.socket.close()

    def _address(self) -> dict[str, Any]:
        api = self.airflow.api
        return {"port": api.port, "login": asdict(api.login), "pid": os.getpid()}


def _fail(lease: Peer, error: RunError) -> None:
    lease.send(event="failed", message=str(error), details=error.details)
