"""Start, stop, sudden death: nothing is left behind, what was registered is kept."""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path

import processes
import pytest

from dagfactory.emulator.client import EmulatorError, start
from dagfactory.emulator.jobs.local_job import STOPPED

MANY = 1100
# starts an emulator and a job that has a child of its own; prints all process numbers
OWNER = """
import json, os, sys, time
from dagfactory.emulator.client import start
emulator = start(sys.argv[1])
os.environ |= emulator.env
import google.auth, json, pathlib
from google.auth.transport.requests import AuthorizedSession
credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
session = AuthorizedSession(credentials)
fifo = sys.argv[1] + "/fifo"
os.mkfifo(fifo)
code = ("import subprocess, time; p = subprocess.Popen(['sleep', '600']);"
        f"open({fifo!r}, 'w').write(str(p.pid)); time.sleep(600)")
pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1,
        "containerSpec": {"imageUri": "x", "command": ["python"], "args": ["-c", code]}}
url = "https://us-central1-aiplatform.googleapis.com/v1/projects/demo/locations/us-central1"
job = session.post(url + "/customJobs", json={"displayName": "x", "jobSpec": {"workerPoolSpecs": [pool]}})
child = int(open(fifo).read())
leader = int(pathlib.Path(sys.argv[1], "jobs", job.json()["name"].split("/")[-1], "pid").read_text())
print(json.dumps({"emulator": emulator.process.pid, "leader": leader, "child": child}), flush=True)
time.sleep(600)
"""


@pytest.fixture
def owner(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", OWNER, str(tmp_path)]
    with processes.started(command, limit=60, stdout=subprocess.PIPE) as process:
        yield process, json.loads(process.stdout.readline())


def wait_gone(*pids):
    """Wait for processes that are not our children to end."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            select.select([descriptor], [], [], 60)
            os.close(descriptor)
        assert not is_alive(pid)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_owner_with_many_open_files_can_start_one(tmp_path):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < MANY + 100:
        pytest.skip(f"a process may have {most} open files here")
    code = f"""
import os, resource, sys
from dagfactory.emulator.client import start
resource.setrlimit(resource.RLIMIT_NOFILE, ({MANY + 100}, {most}))
held = [os.open(os.devnull, os.O_RDONLY) for _ in range({MANY})]
with start(sys.argv[1]) as running:
    print(running.process.pid)
"""
    # select() takes no descriptor from 1024 on
    done = processes.run([sys.executable, "-c", code, str(tmp_path)], timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(60)
def test_the_owner_is_killed(owner):
    process, pids = owner
    assert all(map(is_alive, pids.values()))
    process.kill()
    wait_gone(*pids.values())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_emulator_is_ended(owner, number):
    _, pids = owner
    os.kill(pids["emulator"], number)
    wait_gone(*pids.values())


@pytest.mark.timeout(60)
def test_a_job_cut_off_is_failed_in_the_next_life(owner, tmp_path):
    _, pids = owner
    os.kill(pids["emulator"], signal.SIGKILL)
    wait_gone(*pids.values())
    with start(tmp_path):
        pass
    file = next((tmp_path / "vertex").rglob("customJobs/*.json"))
    job = json.loads(file.read_text())
    assert (job["state"], job["error"]["message"]) == (
        "JOB_STATE_FAILED",
        STOPPED,
    )


def test_stop_returns_0_and_may_be_repeated(tmp_path):
    emulator = start(tmp_path)
    assert json.loads((tmp_path / "emulator.json").read_text())["env"] == emulator.env
    assert (emulator.stop(), emulator.stop()) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"faults": ["flood:1"]}, "unknown fault"), ({"workdir": "x", "slots": "many"}, "--slots")],
)
def test_a_wrong_argument_is_one_line(tmp_path, arguments, text):
    with pytest.raises(EmulatorError, match=text):
        start(tmp_path, **arguments)
    assert "Traceback" not in (tmp_path / "emulator.log").read_text()


def test_an_emulator_started_from_a_thread_outlives_the_thread(tmp_path):
    import threading

    started = []
    thread = threading.Thread(target=lambda: started.append(start(tmp_path)))
    thread.start()
    thread.join(120)
    with started[0] as emulator, pytest.raises(subprocess.TimeoutExpired):
        emulator.process.wait(0.3)


def test_the_client_module_needs_the_standard_library_only():
    code = """
import sys
before = set(sys.modules)
import dagfactory.emulator.client, dagfactory.emulator.testing
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(tops - sys.stdlib_module_names))
"""
    shown = processes.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['dagfactory']"
