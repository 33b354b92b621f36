"""What a run says when Airflow breaks under it: which part has ended, or that the disk is full."""

import shlex
import sys

import processes
import pytest

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.events import RunError
from dagfactory.run.execute import explained
from dagfactory.run.local_airflow import RunningAirflow
from dagfactory.run.login import Login
from dagfactory.run.processes import Processes

NOBODY = 1  # a port of the loopback where nothing listens


def test_a_request_to_a_server_that_has_ended_tells_its_end(tmp_path):
    with Processes(tmp_path, {}) as running:
        airflow = RunningAirflow(AirflowApi(NOBODY, Login()), running)
        running.spawn("api-server", [sys.executable, "-c", "print('killed'); exit(3)"])
        ended = pytest.raises(RunError, match="api-server ended unexpectedly")
        with ended as told, explained(airflow):
            airflow.api.get("dags")
        assert "killed" in told.value.details


def test_up_on_a_full_disk_says_so(tmp_path):
    disk, command = shlex.quote(str(tmp_path)), shlex.join([sys.executable, "-m", "dagfactory"])
    mount = f"mount -t tmpfs -o size=1m none {disk}"
    inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if processes.run([*inside, mount], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody mount a disk of his own")
    fill = f"dd if=/dev/zero of={disk}/all bs=4k 2>/dev/null"
    script = f"{mount}; {fill}; {command} up --state {disk}/state"
    done = processes.run([*inside, script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the disk is full: make room for" in done.stderr
    assert "Traceback" not in done.stderr
