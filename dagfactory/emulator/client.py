"""Start and stop an emulator from another process. Standard library only."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dagfactory.emulator.files import private_folder, replace_text

READY_FILE = "emulator.json"
LOG_FILE = "emulator.log"
FAULTS_FILE = "faults.json"
SECRETS_DIRECTORY = "secrets"


class EmulatorError(Exception):
    """The emulator did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: its state directory, proxy address and the clients' environment.

    `direct` is for processes whose clients ignore proxies (aiohttp), on top of `env`.
    """

    state: Path
    proxy: str
    env: dict[str, str]
    direct: dict[str, str]
    process: subprocess.Popen[bytes]

    def environ(self) -> dict[str, str]:
        """Return this process's environment with the clients' settings on top."""
        return {**os.environ, **self.env}

    def faults(self, *specs: str) -> None:
        """Replace the faults to inject, e.g. `faults("error:503:2:GetModel")`; none clears them."""
        write_faults(self.state, specs)

    def secret(self, name: str, value: str) -> None:
        """Store a secret under its id; the service answers with it from the next call on."""
        write_secret(self.state, name, value)

    def stop(self, timeout: float = 20.0) -> int:
        """End the emulator and all of its jobs; return its exit status. Safe to call twice."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(  # noqa: PLR0913 - each is one flag of the command line
    state: str | os.PathLike[str],
    *,
    project: str = "demo",
    slots: int = 2,
    faults: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
    entrypoints: Mapping[str, str] | None = None,
    buckets: Sequence[str] = (),
    arguments: Sequence[str] = (),
    workdir: str | os.PathLike[str] | None = None,
    fixtures: str | os.PathLike[str] | None = None,
    python: str = sys.executable,
    timeout: float = 60.0,
) -> Emulator:
    """Launch `python -m dagfactory.emulator` and wait until it serves.

    `slots` jobs run at once; `faults` are specs as in docs/emulator.md; `entrypoints` maps
    globs of images and Dataflow templates to the commands that stand in for them; jobs run in
    `workdir`; `buckets` (NAME or NAME=LOCATION) are there from the start, as are the tables and
    objects in the folder `fixtures`. `arguments` are further ones of the command line.
    Raises EmulatorError when it exits or is not ready within `timeout` seconds.
    """
    directory = Path(state).resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, value in (secrets or {}).items():
        write_secret(directory, name, value)
    command = [python, "-m", "dagfactory.emulator", "--state", str(directory)]
    command += ["--project", project, "--slots", str(slots), *arguments]
    for flag, given in (("--fault", faults), ("--bucket", buckets)):
        command += [text for each in given for text in (flag, each)]
    for address, entrypoint in (entrypoints or {}).items():
        command += ["--entrypoint", f"{address}={entrypoint}"]
    for flag, folder in (("--workdir", workdir), ("--fixtures", fixtures)):
        if folder is not None:
            command += [flag, os.fspath(folder)]
    path = directory / LOG_FILE
    path.touch(mode=0o600)
    with path.open("ab") as log:
        process = subprocess.Popen(  # its own session: Ctrl-C is for the owner to translate
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    ready = _ready(process, directory, timeout)
    return Emulator(directory, ready["proxy"], ready["env"], ready["direct"], process)


def _ready(process: subprocess.Popen[bytes], state: Path, timeout: float) -> dict[str, Any]:
    line = _first_line(process, timeout)
    try:
        ready: dict[str, Any] = json.loads(line)
    except ValueError:
        process.kill()
        process.communicate()
        tail = (state / LOG_FILE).read_text(errors="replace")[-2000:]
        raise EmulatorError(f"the emulator did not start:\n{tail}") from None
    return ready


def _first_line(process: subprocess.Popen[bytes], timeout: float) -> bytes:
    assert process.stdout is not None  # noqa: S101 - it was opened with a pipe
    deadline, line = time.monotonic() + timeout, b""
    # not select.select, which takes no descriptor from 1024 on
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return b""
            part = os.read(process.stdout.fileno(), 65536)
            if not part:
                return b""
            line += part
    return line


def write_faults(state: Path, specs: Sequence[str]) -> None:
    """Put the fault specs where a running emulator reads them (STATE/faults.json)."""
    replace_text(state / FAULTS_FILE, json.dumps(list(specs)) + "\n")


def write_secret(state: Path, name: str, value: str) -> None:
    """Put a secret's value into STATE/secrets/NAME, readable by its owner only."""
    directory = state / SECRETS_DIRECTORY
    private_folder(directory)
    replace_text(directory / name, value)
