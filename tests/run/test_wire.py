import os
import socket
from pathlib import Path

import pytest

from dagfactory.run.events import NotReadyError
from dagfactory.run.state_folders import StateFolders, locked
from dagfactory.run.warm.client import ask, leased
from dagfactory.run.warm.command import up
from dagfactory.run.warm.identity import difference, identity
from dagfactory.run.warm.wire import Peer, connected, listening


def test_messages_arrive_whole_and_in_order(tmp_path):
    with listening(tmp_path / "s") as server, connected(tmp_path / "s") as client:
        client.send(text="x" * 100_000)
        client.send(text="é\n")
        with Peer(server.accept()[0]) as peer:
            assert len(peer.read(5)["text"]) == 100_000
            assert peer.read(5) == {"text": "é\n"}


def test_a_deep_folder_is_no_obstacle(tmp_path):
    folder = tmp_path.joinpath(*["a" * 100] * 3)
    folder.mkdir(parents=True)
    with listening(folder / "s"), connected(folder / "s") as client:
        assert client.is_own


def test_the_end_of_the_other_side_is_none_and_silence_an_error(tmp_path):
    with listening(tmp_path / "s") as server, connected(tmp_path / "s") as client:
        with pytest.raises(TimeoutError):
            client.read(0.01)
        server.accept()[0].close()
        assert client.read(5) is None


def test_a_process_of_another_user_is_not_talked_to(tmp_path, monkeypatch):
    with listening(tmp_path / "s"):
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert connected(tmp_path / "s") is None


def test_a_socket_that_was_left_behind_is_nobody(tmp_path):
    state = StateFolders(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(state.socket))
    assert state.socket.exists()
    assert ask(state, "status") is None
    with leased(state) as lease:
        assert lease is None
    with listening(state.socket):
        pass
    assert not state.socket.exists()


def test_there_must_be_something_to_stop(tmp_path, capsys):
    assert up(tmp_path, stop=True, idle="30m") == NotReadyError.exit_code
    assert capsys.readouterr().err.startswith("error: no `dagfactory up`")


def test_an_up_beside_a_run_is_refused(tmp_path):
    from dagfactory.run.warm.server import serve

    with locked(tmp_path), pytest.raises(NotReadyError, match="is using"):
        serve(StateFolders(tmp_path), 1.0)


def test_other_code_or_another_path_is_told_by_name(monkeypatch):
    before = identity()
    assert difference(before, identity()) == ""
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    assert difference(before, identity()) == "PYTHONPATH"
