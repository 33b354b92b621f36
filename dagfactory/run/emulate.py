"""The command behind `dagfactory emulator`: the emulator alone, for a team's own programs and tests."""

import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from dagfactory.emulator.client import Emulator, EmulatorError, start
from dagfactory.emulator.files import replace_text
from dagfactory.run.events import NotReadyError
from dagfactory.run.interrupt import Stopped, stoppable
from dagfactory.run.refused import check_faults
from dagfactory.run.state_folders import private_files

NOT_FOUND_STATUS = 127
VARIABLES = "environment.sh"


@dataclass(frozen=True, slots=True)
class EmulateRequest:
    """What the user asked for: `state` None is a folder that ends with the emulator."""

    command: tuple[str, ...] = ()
    state: Path | None = None
    project: str = "demo"
    slots: int = 2
    port: int = 0
    fixtures: Path | None = None
    faults: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    project_numbers: bool = False
    entrypoints: tuple[str, ...] = ()
    secrets_from: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The options as the emulator itself takes them."""
        repeated = {
            "machine": self.machines,
            "entrypoint": self.entrypoints,
            "secret-from": self.secrets_from,
        }
        every = [f"--{name}={one}" for name, given in repeated.items() for one in given]
        numbers = ["--project-numbers"] if self.project_numbers else []
        return [*every, *numbers, f"--port={self.port}"]


def emulate(request: EmulateRequest) -> int:
    """Serve until ^C, or while a command runs whose exit code is returned."""
    check_faults(request.faults)
    with ExitStack() as stack:
        stack.enter_context(stoppable(sys.stderr))
        try:
            emulator = _start(request, stack)
            return _run(emulator, request.command) if request.command else _serve(emulator)
        except Stopped as stop:
            # ^C is the normal way to end what only serves
            return stop.exit_code if request.command else 0


def _start(request: EmulateRequest, stack: ExitStack) -> Emulator:
    state = request.state or stack.enter_context(
        tempfile.TemporaryDirectory(prefix="dagfactory-emulator-", ignore_cleanup_errors=True)
    )
    try:
        with private_files():
            emulator = start(
                state,
                project=request.project,
                slots=request.slots,
                faults=request.faults,
                buckets=request.buckets,
                fixtures=request.fixtures,
                arguments=request.arguments,
            )
    except EmulatorError as error:
        last = str(error).strip().rpartition("\n")[2]
        raise NotReadyError(last.rpartition(" error: ")[2]) from None
    return stack.enter_context(emulator)


def _serve(emulator: Emulator) -> int:
    """Print what points clients here, then wait for the end."""
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in emulator.env.items())
    path = emulator.state / VARIABLES
    with private_files():
        replace_text(path, lines)
    try:
        click.echo(lines, nl=False)
        click.echo(f"# in another shell: . {shlex.quote(str(path))}   ^C here ends it", err=True)
        status = emulator.process.wait()
        raise NotReadyError(f"the emulator ended by itself, with status {status}")
    finally:
        path.unlink(missing_ok=True)


def _run(emulator: Emulator, command: Sequence[str]) -> int:
    """Run a command in the clients' environment and return its exit code, as a shell shows it."""
    try:
        process = subprocess.Popen(command, env=emulator.environ())
    except OSError as error:
        click.echo(f"error: {command[0]}: {error.strerror}", err=True)
        return NOT_FOUND_STATUS
    try:
        status = process.wait()
    except Stopped:
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    return status if status >= 0 else 128 - status
