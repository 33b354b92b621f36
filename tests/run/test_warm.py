"""What an Airflow that is kept refuses, and its end: the real server and socket, without an Airflow."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from dagfactory.__main__ import run
from dagfactory.run.events import NotReadyError
from dagfactory.run.links import PREFIX
from dagfactory.run.local_airflow import AirflowStart
from dagfactory.run.login import Login
from dagfactory.run.state_folders import StateFolders, locked
from dagfactory.run.warm.client import ask, leased
from dagfactory.run.warm.command import up
from dagfactory.run.warm.server import serve
from dagfactory.run.warm.wire import connected

ENVIRONMENT = """\
environment: {0}
target: {0}
project: demo-dev
region: us-central1
bucket: gs://demo-dev
"""


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The state folder of an `up`, in a thread of this process."""
    news, alarm = os.pipe()

    @contextmanager
    def nothing(_):
        api = SimpleNamespace(port=1, login=Login())
        yield (
            SimpleNamespace(api=api),
            SimpleNamespace(fileno=lambda: news, end=lambda **_: None),
        )
        time.sleep(0.3)  # processes take a moment to end

    monkeypatch.setattr(AirflowStart, "kept", nothing)
    state = StateFolders(tmp_path / ".dagfactory")
    thread = threading.Thread(target=serve, args=(state, 60.0))
    thread.start()
    while not state.socket.exists() or (peer := connected(state.socket)) is None:
        time.sleep(0.01)
    peer.socket.close()
    yield state
    ask(state, "stop")
    thread.join(10)
    assert not thread.is_alive()
    for end in (news, alarm):
        os.close(end)


def test_a_second_run_is_refused_and_a_third_is_not(kept):
    with leased(kept), pytest.raises(NotReadyError, match=f"process {os.getpid()}"), leased(kept):
        pass
    with leased(kept) as lease:
        assert lease is not None


def test_up_again_tells_where_it_is_and_how_it_ends(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert up(Path(".dagfactory"), stop=False, idle="2h") == 0
    first, where, _, _, used, ends = capsys.readouterr().out.splitlines()
    assert (first, where.split(PREFIX)[0]) == ("already up", "Airflow is up: http://127.0.0.1:1")
    assert used == f"`dagfactory run` in {tmp_path} uses it"
    assert ends == "`dagfactory up --stop` ends it, or 60.0 s without a run"
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    up(kept.root, stop=False, idle="2h")
    assert f"`dagfactory up --stop --state={kept.root}`" in capsys.readouterr().out


def test_who_stops_it_can_start_another_at_once(kept):
    ask(kept, "stop")
    with locked(kept.root):
        pass


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--env", "airflow3", "--fresh"], "--fresh would forget what `dagfactory up` is using"),
        (["--env", "airflow2"], "`dagfactory up` keeps no Airflow for airflow2"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_a_run_that_cannot_borrow_is_refused(tmp_path, monkeypatch, capsys, options, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs/environments").mkdir(parents=True)
    for name in ("airflow2", "airflow3"):
        (tmp_path / f"specs/environments/{name}.yaml").write_text(ENVIRONMENT.format(name))
    (tmp_path / "specs/p.yaml").write_text("pipeline: p\ntasks:\n  a: {type: empty}\n")
    assert run(["run", "specs/p.yaml", *options]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "dagfactory up --stop" in told
