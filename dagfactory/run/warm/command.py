"""The command behind `dagfactory up`: find the Airflow that stays, start it, or end it."""

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.emulator.files import private_folder
from dagfactory.project.files import plainly
from dagfactory.run.airflow_install import line_of
from dagfactory.run.disk import full
from dagfactory.run.errors import tell
from dagfactory.run.events import NotReadyError, RunError
from dagfactory.run.links import make_link
from dagfactory.run.login import Login
from dagfactory.run.logs import tail_of_text
from dagfactory.run.refused import seconds
from dagfactory.run.state_folders import STATE, StateFolders, private_files
from dagfactory.run.text import duration, shown
from dagfactory.run.warm.client import ask
from dagfactory.run.warm.wire import connected

_WITHIN = 180.0  # seconds for a start; a busy laptop may need many times the usual
_SAID = 30  # lines; a message, and the end of a component's log below it


def up(folder: Path, *, stop: bool, idle: str) -> int:
    """Start or end the Airflow of a project and return the exit code."""
    try:
        return _up(folder, stop=stop, idle=idle)
    except DagfactoryError as error:
        return tell(error)


def _up(folder: Path, *, stop: bool, idle: str) -> int:
    state = StateFolders(folder.resolve())
    if stop:
        return _stop(state)
    line_of("airflow3")  # raises where Airflow is not installed
    found = ask(state, "status")
    if found:
        click.echo("already up")
    else:
        _start(state, seconds("--idle", idle))
        found = ask(state, "status")
    if found is None:
        raise RunError("`dagfactory up` ended at once", *tail_of_text(state.logs / "up.log"))
    click.echo("\n".join(_told(found, state)))
    return 0


def _stop(state: StateFolders) -> int:
    if ask(state, "stop") is None:
        raise NotReadyError(f"no `dagfactory up` is using {state.root}")
    click.echo("stopped")
    return 0


def _start(state: StateFolders, idle: float) -> None:
    """Start the process that stays, and wait until it can be borrowed."""
    log = state.logs / "up.log"
    with plainly():
        private_folder(state.logs)
    with private_files(), log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagfactory.run.warm", str(state.root), str(idle)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            # ^C in this terminal is not for it
            start_new_session=True,
        )
    try:
        _wait(state, process, log)
    except BaseException:
        process.terminate()
        raise


def _wait(state: StateFolders, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _WITHIN
    while (peer := connected(state.socket)) is None:
        if process.poll() is not None:
            first, *more = tail_of_text(log, _SAID) or ("`dagfactory up` ended",)
            raise RunError(first, *more, *full(state.root))
        if time.monotonic() > deadline:
            raise RunError(f"Airflow was not up within {_WITHIN:.0f} s, see {log}")
        time.sleep(0.1)
    peer.socket.close()


def _told(found: Mapping[str, Any], state: StateFolders) -> list[str]:
    url, idle = f"http://127.0.0.1:{found['port']}", duration(found["idle"])
    own = StateFolders(STATE.resolve()) == state
    given = "" if own else f" --state={shlex.quote(shown(state.root))}"
    return [
        f"Airflow is up: {make_link(state.links, url)}   (process {found['pid']})",
        Login(**found["login"]).again(url),
        f"`dagfactory run{given}` in {Path.cwd()} uses it",
        f"`dagfactory up --stop{given}` ends it, or {idle} without a run",
    ]
