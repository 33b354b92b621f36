"""What a person sees on a terminal: a real pseudo-terminal, a real run."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import processes
import pytest

from dagfactory.run.watch import in_order

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """\
pipeline: seen
schedule: null
defaults: {retries: {attempts: 0}}
tasks:
  zero: {type: bash, command: "echo fine"}
  alone: {type: group, tasks: {inner: {type: empty}}}
  breaks: {type: bash, command: "echo the last words; exit 3", after: [zero]}
  never: {type: empty, after: [breaks]}
  nor_this: {type: empty, after: [never]}
  talks:
    type: train
    module: talks
    image: none/needed/here
    machine: {type: n1-standard-4}
"""
TALKS = """\
import time
for step in range(1, 4):
    print(f"step {step} of 3, \\x1b[31mloss\\x1b[0m 0.{5 - step}", end="\\r", flush=True)
    time.sleep(2)
"""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    (folder / "specs/environments").mkdir(parents=True)
    (folder / "specs/seen.yaml").write_text(SPEC)
    (folder / "talks.py").write_text(TALKS)
    (folder / "specs/environments/local.yaml").write_text(
        "environment: local\nproject: demo-local\nregion: us-central1\nbucket: gs://demo-local\n"
    )
    return folder


class Terminal:
    """A program on a pseudo-terminal of 120 columns, and all that it has written."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "dagfactory", "run", "specs/seen.yaml", *options]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.program = processes.started(
            command, cwd=folder, env=environment, start_new_session=True, **streams
        )
        os.close(slave)
        self.text = ""

    def read_until(self, words: str, seconds: float = 200) -> str:
        """Read until some words are there, or the program has ended."""
        end = time.monotonic() + seconds
        while words not in self.plain and time.monotonic() < end:
            ready, _, _ = select.select([self.master], [], [], 1)
            try:
                data = os.read(self.master, 65536) if ready else b""
            except OSError:  # Linux says so when the other side is closed
                break
            self.text += data.decode(errors="replace")
        return self.plain

    @property
    def plain(self) -> str:
        """What was written, without the moves of the cursor."""
        return ESCAPES.sub("", self.text).replace("\r", "")


@pytest.fixture(scope="module")
def seen(project):
    terminal = Terminal(project, "--ui")
    with terminal.program:
        terminal.read_until("^C ends it")
        summary = terminal.plain
        terminal.program.send_signal(signal.SIGINT)
        terminal.read_until("no such words")
        terminal.program.wait(60)
    return terminal, summary


def test_the_tasks_stand_in_the_order_of_the_spec_from_the_start(seen):
    terminal, _ = seen
    # on a busy machine the first look may come after the first end
    first = re.split(r"\d/6 tasks", terminal.plain)[1]
    found = re.findall(r"\b(zero|alone\.inner|breaks|never|nor_this|talks)\b", first)
    assert found[:6] == ["zero", "alone.inner", "breaks", "never", "nor_this", "talks"]


def test_the_phase_under_way_is_named_from_the_first_to_the_last(seen):
    terminal, _ = seen
    phases = (
        "migrating Airflow's database",
        "starting Airflow's API server",
        "Airflow parses seen",
    )
    # a phase that is over before the next look is not seen
    places = [at for phase in phases if (at := terminal.plain.find(phase)) >= 0]
    assert len(places) >= 2
    assert [*places, terminal.plain.find("/6 tasks")] == sorted(
        [*places, terminal.plain.find("/6 tasks")]
    )


def test_the_last_line_of_a_running_job_stands_in_the_table(seen):
    terminal, summary = seen
    rows = [line for line in terminal.plain.splitlines() if "talks" in line]
    said = [
        step
        for step in (1, 2, 3)
        if any(f"step {step} of 3, loss 0.{5 - step}" in each for each in rows)
    ]
    # a line that stands for less than a look may be missed, the table that is left shows none
    assert len(said) >= 2
    last = summary.rpartition("/6 tasks")[2]
    assert "step 3 of 3" not in last


def test_a_task_that_never_started_says_whose_fault_that_is(seen):
    terminal, _ = seen
    rows = [line for line in terminal.plain.splitlines() if "upstream_failed" in line]
    assert any(
        line.startswith(("✗  never", "✗ never")) and "because breaks failed" in line
        for line in rows
    )
    assert any("nor_this" in line and "because breaks failed" in line for line in rows)


def test_the_table_is_done_before_the_summary_is_printed(seen):
    terminal, _ = seen
    last_move = max(found.end() for found in re.finditer(r"\x1b\[\d*A", terminal.text))
    assert "seen FAILED after" in terminal.text[last_move:]
    assert "Airflow's web UI" in terminal.text[last_move:]
    assert "the last words" in terminal.text[last_move:]


def test_an_interrupt_says_at_once_what_happens(project):
    terminal = Terminal(project)
    with terminal.program:
        terminal.read_until("starting")
        terminal.program.send_signal(signal.SIGINT)
        text = terminal.read_until("stopping everything", 30)
        assert "stopping everything; ^C again kills it at once" in text
        terminal.read_until("no such words")
        assert terminal.program.wait(60) == 130


def test_tasks_that_the_spec_does_not_know_come_last():
    order = ("search", "outer", "inner")
    found = in_order({"x", "outer.inner.a", "search.best", "search.trial", "outer.z"}, order)
    assert found == ("search.best", "search.trial", "outer.z", "outer.inner.a", "x")
