import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from processes import output, started, wait_until

from dagfactory.run import supervisor
from dagfactory.run.events import RunError
from dagfactory.run.processes import Processes

# A child that leaves: own session, and its parent ends at once, so only a subreaper finds it again.
ESCAPE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open(sys.argv[1], "w") as file:
            file.write(str(os.getpid()))
        os.rename(sys.argv[1], sys.argv[2])
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""

PARENT = """
import subprocess
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path, {}) as running:
        yield running


def _wait_for(path: Path, running: Processes) -> str:
    def there() -> bool:
        running.check(wait=0.05)
        return path.exists()

    wait_until(there, pause=0.0)
    return path.read_text()


def _escape(running: Processes, folder: Path) -> int:
    argv = [sys.executable, "-c", ESCAPE, str(folder / "new"), str(folder / "pid")]
    running.spawn("runaway", argv)
    return int(_wait_for(folder / "pid", running))


def test_stopping_finds_a_daemon_that_left_its_session(tmp_path):
    with Processes(tmp_path, {}) as running:
        daemon = _escape(running, tmp_path)
        assert Path("/proc", str(daemon)).exists()
    assert not Path("/proc", str(daemon)).exists()


def test_an_exception_stops_everything_too(tmp_path):
    daemon = 0
    with contextlib.suppress(ZeroDivisionError), Processes(tmp_path, {}) as running:
        daemon = _escape(running, tmp_path)
        _ = 1 / 0
    assert daemon
    assert not Path("/proc", str(daemon)).exists()


def test_a_second_interrupt_kills_at_once_what_ignores_the_first(tmp_path):
    script = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    running = Processes(tmp_path, {}).__enter__()
    running.spawn("stubborn", [sys.executable, "-c", script])
    daemon = _escape(running, tmp_path)
    running._finish(0)
    _gone(daemon)
    assert running._process.returncode is not None


def test_the_death_of_the_command_stops_everything(tmp_path):
    script = (
        "import sys,os,signal; from pathlib import Path\n"
        "from dagfactory.run.processes import Processes\n"
        "with Processes(Path(sys.argv[1]), {}) as running:\n"
        f"    running.spawn('runaway', [sys.executable, '-c', {ESCAPE!r}, *sys.argv[2:]])\n"
        "    while not Path(sys.argv[3]).exists(): running.check(wait=0.05)\n"
        "    print(running.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    arguments = [str(tmp_path), str(tmp_path / "new"), str(tmp_path / "pid")]
    command = [sys.executable, "-c", script, *arguments]
    with started(command, limit=60, stdout=subprocess.PIPE, text=True) as running:
        supervisor_pid = int(running.communicate(timeout=60)[0])
    _gone(supervisor_pid)
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def _gone(pid: int) -> None:
    """Wait for a process that is not our child to end."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], 60)[0]
    finally:
        os.close(handle)


def test_variables_set_later_reach_later_programs_only(processes, tmp_path):
    show = "import os,sys; open(sys.argv[1],'w').write(os.environ.get('LATER','absent'))"
    processes.spawn("early", [sys.executable, "-c", show, str(tmp_path / "early")])
    assert processes.finished("early", within=60) == 0
    processes.environ({"LATER": "here"})
    processes.spawn("late", [sys.executable, "-c", show, str(tmp_path / "late")])
    assert processes.finished("late", within=60) == 0
    assert (tmp_path / "early").read_text() == "absent"
    assert (tmp_path / "late").read_text() == "here"


def test_an_unexpected_end_is_told_with_the_end_of_its_log(processes):
    processes.spawn("api-server", [sys.executable, "-c", "print('port taken'); exit(3)"])
    with pytest.raises(RunError, match=r"api-server ended unexpectedly \(exit code 3\)") as caught:
        processes.check(wait=60)
    assert "port taken" in caught.value.details


def test_a_keeper_that_dies_is_told(processes):
    os.kill(processes.pid, 9)
    with pytest.raises(RunError, match="the process that runs Airflow ended"):
        processes.check(wait=60)


def test_a_killed_keeper_leaves_nothing_of_its_session():
    script = "import subprocess,os; c=subprocess.Popen(['sleep','600']); print(c.pid,flush=True); c.wait()"
    with started(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as leader:
        assert leader.stdout
        orphan = int(leader.stdout.readline())
    supervisor.kill_session(leader.pid)
    _gone(orphan)


def test_descendants_come_parents_first():
    script = PARENT
    command = [sys.executable, "-c", script]
    with started(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        grandchild = int(child.stdout.readline())
        found = [process.pid for process in supervisor.descendants(os.getpid())]
        assert found.index(child.pid) < found.index(grandchild)
        supervisor.kill_tree(child.pid)


def test_the_keeper_needs_nothing_of_dagfactory():
    imported = (
        "import runpy,sys,json; runpy.run_path(sys.argv[1]); print(json.dumps([*sys.modules]))"
    )
    out = output([sys.executable, "-P", "-c", imported, supervisor.__file__])
    assert not [name for name in json.loads(out) if name.split(".")[0] in {"dagfactory", "airflow"}]
