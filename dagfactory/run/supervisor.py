"""The process that owns every other process of a run, and outlives none of them.

It runs as its own program (`python supervisor.py`), because three things need a process of their own:

* **Speed.** It imports Airflow once and forks the four components from that image; starting four
  `airflow …` commands would import it four times (2.9 s of CPU each).
* **Certainty.** It is a Linux "child subreaper": whatever its descendants fork, in whatever session
  or process group, comes back to it when the parent dies. Stopping ends only with no child left.
* **Dies with its parent.** When the command that started it dies, by any signal, its standard input
  ends, and it stops everything.

Commands arrive as JSON lines on standard input:

* `{"do": "environment", "set": {…}}`: variables for everything started later; with `"only": true` no others
* `{"do": "spawn", "name": …, "argv": […], "log": …}`: start a program
* `{"do": "import", "preload": […]}`: import Airflow and more, answered by `{"event": "imported"}`
* `{"do": "fork", "name": …, "entry": …, "argv": […], "log": …, "preload": […]}`: call `main` of the module
  `entry` in a fork; with `"folder": …` it works there, with `"program": true` it has a session of its own and
  is ended as a program is
* `{"do": "end", "keep": […]}`: stop everything but what has these names, answered by `{"event": "ended"}`
* the end of the input: stop everything, exit 0

Events leave as JSON lines on standard output; `{"event": "exit", "name": …, "code": …}` follows
whenever one of the named children ends.
Standard library and psutil only, which both lines of Airflow bring; nothing of dagfactory, for Airflow 2's
environment has nothing of it.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import psutil

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # <linux/prctl.h>
_PAUSE = 0.01  # seconds between two looks at what is being killed
_GRACE = 8.0  # seconds an external program (the emulator) gets to end its own jobs


def _prctl(option: int, value: int) -> None:
    """Call prctl(2) where there is one; elsewhere the tree is followed by parent pids alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def kill_session(leader: int) -> None:
    """Kill what is left of a session; Airflow's processes never leave the supervisor's."""
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) == leader:
                os.kill(pid, signal.SIGKILL)


def descendants(root: int) -> list[psutil.Process]:
    """Return the living descendants of a process, parents before their children."""
    try:
        return psutil.Process(root).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def others(root: int, keep: Collection[int] = ()) -> list[psutil.Process]:
    """Return the living descendants of a process but for some and theirs."""
    spared = {each.pid for pid in keep for each in descendants(pid)} | set(keep)
    return [each for each in descendants(root) if each.pid not in spared]


def kill_tree(root: int, keep: Collection[int] = ()) -> None:
    """Kill every descendant of a process but for some, and again until no new one has appeared."""
    # processes, not numbers: psutil tells a number that was given away again from its first owner
    seen: set[psutil.Process] = set()
    while fresh := set(others(root, keep)) - seen:
        for process in fresh:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        seen |= fresh


@dataclass(slots=True)
class Supervisor:
    """The state of the loop: the named children, the programs among them, and the two pipes."""

    events: int
    wake: int
    names: dict[int, str] = field(default_factory=dict)
    programs: dict[int, "subprocess.Popen[bytes] | None"] = field(default_factory=dict)
    buffer: bytes = b""
    running: bool = True

    def say(self, event: str, **details: Any) -> None:
        """Send one event; nobody listening any more is a reason to stop."""
        try:
            os.write(self.events, json.dumps({"event": event, **details}).encode() + b"\n")
        except OSError:
            self.running = False

    def loop(self) -> None:
        """Obey commands and report deaths until told to stop."""
        while self.running:
            ready, _, _ = select.select([0, self.wake], [], [])
            if self.wake in ready:
                os.read(self.wake, 4096)
                self.reap()
            if 0 in ready:
                self.listen()

    def listen(self) -> None:
        """Read what is there and carry out each complete line; the end of input means stop."""
        chunk = os.read(0, 65536)
        self.running = self.running and bool(chunk)
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        for line in lines:
            self.obey(json.loads(line))

    def obey(self, command: Mapping[str, Any]) -> None:
        """Carry out one command."""
        match command["do"]:
            case "environment":
                if command.get("only"):
                    os.environ.clear()
                os.environ.update(command["set"])
            case "spawn":
                self.spawn(command["name"], command["argv"], command["log"])
            case "import":
                self.load_airflow(command["preload"])
            case "fork":
                self.fork(command)
            case "end":
                self.end(command["keep"])
                self.say("ended")
            case _:
                self.running = False

    def load_airflow(self, preload: list[str]) -> None:
        """Import what the components share. Nothing here opens a connection or starts a thread."""
        started = time.monotonic()
        for module in ("airflow.__main__", "airflow.jobs.job", "airflow.dag_processing.manager"):
            importlib.import_module(module)
        _import_all(preload)
        # forks share what a collection of garbage would write to, and so copy, in each of them
        gc.freeze()
        self.say("imported", seconds=round(time.monotonic() - started, 2))

    def spawn(self, name: str, argv: list[str], log: str) -> None:
        """Start an external program in a session of its own, its output going to its log."""
        with Path(log).open("ab") as out:
            program = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self.programs[program.pid] = program
        self.names[program.pid] = name

    def fork(self, command: Mapping[str, Any]) -> None:
        """Run one command in a fork of this image."""
        pid = os.fork()
        if pid == 0:
            # the command takes the end of this pipe for our end: a fork must not keep it open
            os.close(self.events)
            become(command)
        self.names[pid] = command["name"]
        if command.get("program"):
            self.programs[pid] = None

    def reap(self) -> None:
        """Collect the dead: named children are reported, adopted orphans are only buried."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self.programs.pop(pid, None)
                if name := self.names.pop(pid, None):
                    self.say("exit", name=name, code=os.waitstatus_to_exitcode(status))

    def end(self, keep: Collection[str] = ()) -> None:
        """End all but some: programs are asked first, Airflow is not (its state is thrown away)."""
        kept = {pid: name for pid, name in self.names.items() if name in keep}
        ending, self.names = self.names.keys() - kept.keys(), kept
        for pid in ending:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM if pid in self.programs else signal.SIGKILL)
        deadline = time.monotonic() + _GRACE
        while self.programs and (left := deadline - time.monotonic()) > 0:
            if select.select([self.wake], [], [], left)[0]:
                os.read(self.wake, 4096)
            self.reap()
        # each death may hand us children that were nobody's a moment ago
        while others(os.getpid(), kept):
            kill_tree(os.getpid(), kept)
            time.sleep(_PAUSE)
            self.reap()


def become(command: Mapping[str, Any]) -> NoReturn:
    """Turn this fork into `airflow ARGV`, logging to its own file."""
    code = 1
    try:
        _detach(command["log"])
        if command.get("program"):
            os.setsid()
        if command.get("folder"):
            os.chdir(command["folder"])
        _import_all(command["preload"])
        sys.argv = [command["entry"], *command["argv"]]
        code = importlib.import_module(command["entry"]).main() or 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        logging.getLogger("dagfactory.run").exception("%s failed", command["name"])
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # not sys.exit: what this image registered for its own end must not run in a fork
        os._exit(code)


def _import_all(modules: list[str]) -> None:
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def _detach(log: str) -> None:
    """Leave the supervisor's signals, pipes and log behind; die when the supervisor dies."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)  # or the signals of a fork would wake the supervisor
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _redirect(os.open(os.devnull, os.O_RDONLY), 0)
    _redirect(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1, 2)


def _redirect(source: int, *targets: int) -> None:
    for target in targets:
        os.dup2(source, target)
    os.close(source)


def main() -> int:
    """Take over the pipes, serve commands, and leave no process behind."""
    _prctl(_SET_CHILD_SUBREAPER, 1)
    # what a library prints must not come between the events: the old 1 is theirs alone
    events = os.dup(1)
    os.dup2(2, 1)
    wake, alarm = os.pipe()
    for end in (wake, alarm):
        os.set_blocking(end, False)
    supervisor = Supervisor(events, wake)
    # a full pipe wakes the loop just as well
    signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    # without a handler in Python nothing is written to the wake-up pipe
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(supervisor, "running", False))
    try:
        supervisor.loop()
    finally:
        supervisor.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
