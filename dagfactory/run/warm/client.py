"""Borrow the Airflow that `dagfactory up` keeps, for one run."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import NotReadyError, RunError
from dagfactory.run.local_airflow import RunningAirflow
from dagfactory.run.login import Login
from dagfactory.run.state_folders import StateFolders
from dagfactory.run.warm.identity import difference, identity
from dagfactory.run.warm.wire import Peer, connected, readable

_WITHIN = 60.0  # seconds; the processes of the run before may still be ending
ADVICE = "end it with: dagfactory up --stop"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run in an Airflow that stays, until the connection ends."""

    peer: Peer
    logs: Path

    def begin(self, **options: Any) -> RunningAirflow:
        """Start new components for a run of what lies in the folder of DAGs."""
        here = str(Path.cwd())
        self.peer.send(do="begin", environ=dict(os.environ), folder=here, **options)
        while (message := _read(self.peer))["event"] != "up":
            _take(message)
        api = AirflowApi(message["port"], Login(**message["login"]))
        running = RunningAirflow(api, self)
        running.wait(api.answers, "Airflow's API server")
        return running

    def check(self, wait: float = 0.0) -> None:
        """Take in news for up to `wait` seconds; RunError when a component has ended."""
        if readable([self.peer], wait):
            _take(_read(self.peer))


def ask(state: StateFolders, do: str) -> Mapping[str, Any] | None:
    """Send one word to the `up` of a project and return its answer; None when there is no `up`."""
    peer = connected(state.socket)
    if peer is None:
        return None
    with peer:
        peer.send(do=do)
        answer = _read(peer)
        if do == "stop":
            _until_ended(peer)
        return answer


@contextlib.contextmanager
def leased(state: StateFolders) -> Iterator[Lease | None]:
    """Borrow the Airflow of a project for a block; None when none is kept.

    Raises NotReadyError when another run has it, or it runs other code than this process.
    """
    peer = connected(state.socket)
    if peer is None:
        yield None
        return
    with peer:
        peer.send(do="lease", pid=os.getpid())
        answer = _read(peer)
        if answer["event"] == "busy":
            raise NotReadyError(
                f"another `dagfactory run` is using {state.root} (process {answer['pid']})",
                "wait for it to end, or give this run its own folder with --state DIR",
            )
        if other := difference(identity(), answer["identity"]):
            raise NotReadyError(f"`dagfactory up` was started with another {other}", ADVICE)
        yield Lease(peer, state.logs)


def _until_ended(peer: Peer) -> None:
    with contextlib.suppress(TimeoutError):
        while peer.read(_WITHIN) is not None:
            pass


def _read(peer: Peer) -> Mapping[str, Any]:
    try:
        message = peer.read(_WITHIN)
    except TimeoutError:
        raise RunError(f"`dagfactory up` did not answer within {_WITHIN:.0f} s", ADVICE) from None
    if message is None:
        raise RunError("`dagfactory up` ended; what had finished is kept")
    return message


def _take(message: Mapping[str, Any]) -> None:
    if message["event"] == "failed":
        raise RunError(message["message"], *message["details"])
