"""The store of folders."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import Event

import pytest
from made import made

from dagfactory.deploy.apply import _in_parallel, apply, plan_sync
from dagfactory.deploy.errors import DestinationChangedError, DestinationError, RefusedError
from dagfactory.deploy.stores import NEW, open_store
from dagfactory.deploy.stores.local import LocalStore


def test_a_folder_is_made_and_emptied_of_what_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "airflow" / "dags"
    store = open_store(str(folder))
    apply(plan_sync(made({"a": "1", "b": "1"}), store), store)
    (folder / "notes.txt").write_text("mine")
    apply(plan_sync(made({"b": "2"}), store), store)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".airflowignore",
        "b.py",
        "dagfactory_runtime_a",
        "manifest.json",
        "notes.txt",
    ]
    assert (folder / "b.py").read_text() == "2"


@pytest.mark.parametrize("change", ["edited", "gone", "new"])
def test_a_change_in_between_is_noticed(tmp_path: Path, change: str) -> None:
    store = LocalStore(tmp_path)
    if change != "new":
        apply(plan_sync(made({"a": "1"}), store), store)
    planned = plan_sync(made({"a": "2"}), store)
    if change == "gone":
        (tmp_path / "a.py").unlink()
    else:
        (tmp_path / "a.py").write_text("somebody else")
    with pytest.raises(
        DestinationChangedError,
        match=r"the destination is not as planned: .*/a\.py changed; run sync again",
    ):
        apply(planned, store)


def test_a_change_before_a_deletion_is_noticed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    apply(plan_sync(made({"a": "1", "b": "1"}), store), store)
    planned = plan_sync(made({"a": "1"}), store)
    (tmp_path / "b.py").write_text("somebody else")
    with pytest.raises(DestinationChangedError):
        apply(planned, store)
    assert (tmp_path / "b.py").read_text() == "somebody else"


def test_content_that_is_there_already_is_no_conflict(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    (tmp_path / "a.py").write_text("1")
    store.write("a.py", b"1", generation=NEW)
    store.delete("gone.py", generation=5)


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "dags"
    outside.mkdir()
    folder.mkdir()
    (folder / "dagfactory_runtime_a").symlink_to(outside)
    store = LocalStore(folder)
    with pytest.raises(RefusedError, match="leads out of"):
        apply(plan_sync(made({"a": "1"}), store), store)
    assert not list(outside.iterdir())


def test_a_dangling_link_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to(tmp_path / "nowhere")
    found = plan_sync(made({"a": "1"}), LocalStore(tmp_path))
    assert found.refused[0].startswith("a.py is there already")


def test_a_dangling_link_in_between_is_noticed(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    planned = plan_sync(made({"a": "1"}), store)
    (tmp_path / "a.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DestinationChangedError):
        apply(planned, store)


def test_a_failure_stops_what_has_not_begun() -> None:
    begun: list[int] = []

    def call(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise RefusedError("no")
        Event().wait(0.2)

    with pytest.raises(RefusedError):
        _in_parallel(partial(call, number) for number in range(80))
    assert len(begun) < 40


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dagfactory_runtime_a").write_text("a file where a folder should be")
    store = LocalStore(tmp_path)
    with pytest.raises(RefusedError, match="cannot write"):
        apply(plan_sync(made({"a": "1"}), store), store)


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        ("", "a bundle cannot go to"),
        ("/", "a bundle cannot go to"),
        (__file__, "is not a folder"),
        ("s3://bucket/dags", "cannot sync to `s3://`; write gs:// or a folder"),
    ],
)
def test_unusable_destinations(destination: str, text: str) -> None:
    with pytest.raises(DestinationError, match=text):
        open_store(destination)
