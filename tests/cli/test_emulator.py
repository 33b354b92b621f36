"""`dagfactory emulator`: serves until ^C, or while a command runs."""

import os
import signal
import socket
import subprocess
import sys

import processes
import pytest

from dagfactory.__main__ import run

EMULATOR = [sys.executable, "-W", "ignore", "-m", "dagfactory", "emulator"]
CLIENT = """
import os, sys
from google.cloud import storage
client = storage.Client(project="demo")
client.bucket("team-data").blob("x").upload_from_string(b"1")
print(client.get_bucket("team-data").location, os.environ["GCSFUSE_ROOT"])
sys.stdout.flush()
os._exit(5)
"""


def test_a_command_runs_in_the_clients_environment_and_its_code_is_returned():
    command = [sys.executable, "-W", "ignore", "-c", CLIENT]
    done = processes.run(
        [*EMULATOR, "--bucket", "team-data=us-east4", "--", *command],
        capture_output=True,
        text=True,
        check=False,
    )
    location, folder = done.stdout.split()
    assert (done.returncode, location, done.stderr) == (5, "US-EAST4", "")
    assert not os.path.exists(folder)  # noqa: PTH110 - what nobody named is not kept


def test_it_prints_the_environment_serves_and_ends_with_ctrl_c(tmp_path):
    state = tmp_path / "state"
    command = [*EMULATOR, "--state", str(state)]
    with processes.started(command, stdout=subprocess.PIPE, text=True, limit=60) as emulator:
        lines = [emulator.stdout.readline() for _ in range(13)]
        assert all(line.startswith("export ") for line in lines)
        script = state / "environment.sh"
        assert script.read_text() == "".join(lines)
        assert script.stat().st_mode & 0o077 == 0
        emulator.send_signal(signal.SIGINT)
        assert emulator.wait(60) == 0
    assert not script.exists()
    assert (state / "vertex").parent.is_dir()
    assert not (state / "emulator.json").exists()


def test_what_cannot_start_is_one_line():
    taken = socket.create_server(("127.0.0.1", 0))
    for given, text in (
        (["--port", str(taken.getsockname()[1])], "address already in use"),
        (["--fault", "flood:1"], "no such fault"),
        (["--bucket", "B"], "Invalid bucket name: 'B'"),
    ):
        done = processes.run([*EMULATOR, *given], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
    taken.close()
    done = processes.run([*EMULATOR, "--", "no-such"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (127, "error: no-such: No such file or directory\n")


@pytest.mark.parametrize("wrong", [("--port", "99999"), ("--port", "-1"), ("--slots", "0")])
def test_numbers_that_cannot_be_are_wrong_usage(wrong, capsys):
    assert run(["emulator", *wrong]) == 2
    assert f"Invalid value for '{wrong[0]}'" in capsys.readouterr().err


def test_the_help_shows_the_example_on_a_line_of_its_own(capsys):
    assert run(["emulator", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    example = "dagfactory emulator --bucket my-bucket=us-central1 -- pytest tests/"
    assert example in [each.strip() for each in lines]
