"""The near end of the supervisor: start it, tell it what to start, hear who ended, and stop it."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, Self

from dagfactory.run.disk import full
from dagfactory.run.events import RunError
from dagfactory.run.logs import tail_of_text

_PROGRAM = Path(__file__).with_name("supervisor.py")
_STOP_WITHIN = 15.0  # seconds; more than the supervisor itself grants the emulator


class Components(Protocol):
    """What watches the processes of a run: those started here, or those of an Airflow that stays."""

    @property
    def logs(self) -> Path:
        """Where they write."""

    def check(self, wait: float = 0.0) -> None:
        """Take in news for up to `wait` seconds; RunError when a component has ended."""


@dataclass(slots=True)
class Processes:
    """Everything a run has started, behind one supervisor process.

    Use as a context manager: leaving it, for whatever reason, ends every process.
    """

    logs: Path
    environment: Mapping[str, str]
    python: str = sys.executable
    _supervisor: "subprocess.Popen[bytes] | None" = None
    _buffer: bytes = b""
    _exits: dict[str, int] = field(default_factory=dict)
    imported: bool = False
    _ended: bool = False

    def __enter__(self) -> Self:
        """Start the supervisor in a session of its own, so that ^C reaches only us."""
        with (self.logs / "supervisor.log").open("ab") as log:
            self._supervisor = subprocess.Popen(
                # -P: what Airflow imports must not be looked for in the folder of this program first
                [self.python, "-P", str(_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the supervisor to stop; a second interrupt kills the whole tree at once."""
        try:
            self._finish(_STOP_WITHIN)
        except BaseException:
            self._finish(0)
            raise

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._process.pid

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        if self._supervisor is None:
            raise RuntimeError("not started")
        return self._supervisor

    def _finish(self, within: float) -> None:
        process = self._process
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            if within:  # 0 asks nobody: a second interrupt
                process.wait(within)
        if process.poll() != 0:
            _kill(process)
        if process.stdout:
            process.stdout.close()

    def tell(self, do: str, **details: Any) -> None:
        """Send one command; a supervisor that is gone is an error of this run."""
        stdin = self._process.stdin
        try:
            if stdin:
                stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
                stdin.flush()
        except OSError:
            raise self._lost() from None

    def environ(self, variables: Mapping[str, str], *, only: bool = False) -> None:
        """Set variables for everything started from now on; with `only` there are no others."""
        self.tell("environment", set=dict(variables), only=only)

    def spawn(self, name: str, argv: Sequence[str]) -> None:
        """Start an external program."""
        self.tell("spawn", name=name, argv=list(argv), log=str(self.log(name)))

    def airflow(self, name: str, *argv: str, preload: Sequence[str] = (), folder: str = "") -> None:
        """Start `airflow ARGV` in a fork of the supervisor, in its folder or in another one."""
        self._fork(name, "airflow.__main__", argv, preload=list(preload), folder=folder)

    def program(self, name: str, entry: str, argv: Sequence[str], folder: str) -> None:
        """Call `main` of a module in a fork that works in a folder and is asked before it is ended."""
        self._fork(name, entry, argv, folder=folder, program=True)

    def _fork(self, name: str, entry: str, argv: Sequence[str], **more: Any) -> None:
        details = {"preload": [], **more, "argv": list(argv), "log": str(self.log(name))}
        self.tell("fork", name=name, entry=entry, **details)

    def end(self, keep: Sequence[str]) -> None:
        """End all components but some; what was ended is forgotten."""
        self._ended = False
        self.tell("end", keep=list(keep))
        deadline = time.monotonic() + _STOP_WITHIN
        while not self._ended:
            if time.monotonic() > deadline:
                raise RunError(f"the processes of a run did not end, see {self.logs}")
            self._listen(1.0)
        self._exits = {name: code for name, code in self._exits.items() if name in keep}

    def log(self, name: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{name}.log"

    def fileno(self) -> int:
        """Return what is readable when there is news."""
        return self._process.stdout.fileno() if self._process.stdout else -1

    def check(self, wait: float = 0.0) -> None:
        """Take in news for up to `wait` seconds; RunError when a component has ended."""
        self._listen(wait)
        for name, code in self._exits.items():
            raise RunError(
                f"{name} ended unexpectedly (exit code {code}), see {self.log(name)}",
                *tail_of_text(self.log(name)),
                *full(self.logs),
            )

    def finished(self, name: str, within: float) -> int:
        """Wait for a component that is meant to end, and return its exit code."""
        deadline = time.monotonic() + within
        while name not in self._exits:
            if time.monotonic() > deadline:
                raise RunError(f"{name} took longer than {within:.0f} s, see {self.log(name)}")
            self._listen(1.0)
        return self._exits.pop(name)

    def _listen(self, wait: float) -> None:
        stdout = self._process.stdout
        if stdout is None or not _is_readable(stdout, wait):
            return
        chunk = os.read(stdout.fileno(), 65536)
        if not chunk:
            raise self._lost()
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "exit":
                self._exits[event["name"]] = event["code"]
            case "ended":
                self._ended = True
            case _:
                self.imported = True

    def _lost(self) -> RunError:
        log = self.log("supervisor")
        told = (*tail_of_text(log), *full(self.logs))
        return RunError(f"the process that runs Airflow ended, see {log}", *told)


def _is_readable(stream: IO[bytes], wait: float) -> bool:
    """Wait until a stream has something to read or has ended; False after `wait` seconds."""
    # not select.select, which takes no descriptor from 1024 on
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(wait))


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a supervisor that did not end well, its descendants and the rest of its session."""
    # psutil comes with Airflow: who has neither is told to install it, not shown an ImportError
    from dagfactory.run.supervisor import kill_session, kill_tree

    if process.poll() is None:
        kill_tree(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kill_session(process.pid)
