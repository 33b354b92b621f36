"""The store of Cloud Storage: the real client library, over the wire, against the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made import made
from paths import ROOT

from dagfactory.__main__ import run
from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.compiler.compile import build
from dagfactory.deploy.apply import apply, plan_sync
from dagfactory.deploy.changes.compare import compare
from dagfactory.deploy.changes.deployed import look
from dagfactory.deploy.errors import DestinationChangedError, DestinationError, RefusedError
from dagfactory.deploy.stores import NEW, Store, open_store

from .conftest import PREFIX, Calls

SPECS = str(ROOT / "specs")


def test_the_life_of_a_destination(folder: Path, store: Store, calls: Calls) -> None:
    (folder / "theirs.py").write_text("somebody else's DAG")
    apply(plan_sync(made({"a": "1", "b": "1"}), store), store)
    assert calls() == ["storage.objects.list", *["storage.objects.insert"] * 6]

    assert not plan_sync(made({"a": "1", "b": "1"}), store)
    assert calls() == ["storage.objects.list"]

    apply(plan_sync(made({"a": "2", "b": "1"}), store), store)
    upload = "storage.objects.insert"
    assert calls() == ["storage.objects.list", "storage.objects.get", upload, upload]
    assert (folder / "a.py").read_text() == "2"

    apply(plan_sync(made({"a": "2"}), store), store)
    assert calls()[2:] == [upload, "storage.objects.delete"]
    assert sorted(each.name for each in folder.iterdir() if each.is_file()) == [
        ".airflowignore",
        "a.py",
        "manifest.json",
        "theirs.py",
    ]


def test_nothing_to_do_with_a_previous_runtime_lists_once(store: Store, calls: Calls) -> None:
    for runtime in "ab":
        apply(plan_sync(made({"a": "1"}, runtime=runtime), store), store)
    calls()
    assert not plan_sync(made({"a": "1"}, runtime="b"), store)
    assert calls() == ["storage.objects.list", "storage.objects.get"]


def test_a_plan_reads_what_differs(tmp_path: Path, store: Store, calls: Calls) -> None:
    def bundle(word: str) -> Bundle:
        for name in "abc":
            task = f"{{type: bash, command: {word if name == 'a' else 'x'}}}"
            text = f"pipeline: {name}\ntasks: {{t: {task}}}\n"
            (tmp_path / f"{name}{word}.yaml").write_text(text)
        built = build([tmp_path / f"{name}{word}.yaml" for name in "abc"], None)
        assert built.bundle
        return built.bundle

    one, two = bundle("one"), bundle("two")
    apply(plan_sync(one, store), store)
    calls()
    planned, deployed = look(one, store)
    assert calls() == ["storage.objects.list"]
    assert not planned
    planned, deployed = look(two, store)
    # the manifest, and the plan of the only pipeline that changes
    assert calls() == ["storage.objects.list", *["storage.objects.get"] * 2]
    assert deployed.pipelines.keys() == set("abc")
    assert deployed.generation == store.listing()[MANIFEST].generation
    (change,) = [each for each in compare(deployed, two).pipelines if each.tasks]
    assert (change.pipeline, change.tasks[0].fields[0].new) == ("a", "two")


def test_a_foreign_file_is_refused_until_it_is_identical(folder: Path, store: Store) -> None:
    (folder / "a.py").write_text("theirs")
    with pytest.raises(RefusedError, match=r"^a\.py is there already"):
        apply(plan_sync(made({"a": "1"}), store), store, confirmed=True)
    assert [each.name for each in folder.iterdir()] == ["a.py"]
    (folder / "a.py").write_text("1")
    apply(plan_sync(made({"a": "1"}), store), store)
    assert (folder / "manifest.json").is_file()


@pytest.mark.parametrize("path", ["a.py", "b.py", MANIFEST])
def test_somebody_elses_change_in_between_stops_the_sync(
    folder: Path, store: Store, path: str
) -> None:
    apply(plan_sync(made({"a": "1", "b": "1"}), store), store)
    planned = plan_sync(made({"a": "2"}), store)
    (folder / path).write_text("somebody else")
    with pytest.raises(DestinationChangedError, match=rf"{path} changed; run sync again") as caught:
        apply(planned, store)
    assert caught.value.exit_code == 4
    assert (folder / path).read_text() == "somebody else"


def test_a_manifest_that_moves_while_it_is_read(folder: Path, store: Store) -> None:
    apply(plan_sync(made({"a": "1"}), store), store)
    generation = store.listing()[MANIFEST].generation
    (folder / MANIFEST).write_text("{}")
    with pytest.raises(DestinationChangedError):
        store.read(MANIFEST, generation=generation)
    (folder / MANIFEST).unlink()
    with pytest.raises(DestinationChangedError):
        store.read(MANIFEST, generation=generation)


def test_our_objects_carry_a_mark_and_copies_do_not(
    folder: Path, destination: str, store: Store
) -> None:
    from google.cloud import storage

    apply(plan_sync(made({"a": "1", "b": "1"}), store), store)
    store.write("left.py", b"1", generation=NEW)
    bucket = storage.Client(project=None).bucket(folder.parents[1].name)
    left = bucket.get_blob(f"{PREFIX}/left.py")
    assert left.metadata == {"dagfactory": f"{destination} left.py"}
    bucket.copy_blob(left, bucket, f"{PREFIX}/copy.py")
    open_store(f"{destination}/below").write("other.py", b"1", generation=NEW)
    (folder / "b.py").write_text("by hand")
    found = plan_sync(made({"a": "1"}), store)
    assert [each.path for each in found.left] == ["left.py"]
    assert [each.path for each in found.deletes] == ["b.py"]
    apply(found, store)
    apply(plan_sync(made({"a": "1"}), store, remove_left=True), store)
    assert sorted(store.listing()) == [
        *(".airflowignore", "a.py", "below/other.py", "copy.py"),
        *("dagfactory_runtime_a/m0.py", "dagfactory_runtime_a/m1.py", MANIFEST),
    ]


def test_what_earlier_versions_uploaded_has_no_mark(folder: Path, store: Store) -> None:
    for path, content in made({"a": "1", "b": "1"}).files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "left.py").write_text("by a version that did not mark")
    assert not plan_sync(made({"a": "1", "b": "1"}), store)
    apply(plan_sync(made({"a": "2"}), store), store)
    assert not plan_sync(made({"a": "2"}), store)
    assert (folder / "left.py").exists()
    assert not (folder / "b.py").exists()


def test_a_listing_of_several_pages_goes_with_a_manifest_older_than_all(
    folder: Path, store: Store, calls: Calls
) -> None:
    apply(plan_sync(made({"a": "1"}), store), store)
    for number in range(1000):
        (folder / f"{number}.txt").touch()
    calls()
    assert not plan_sync(made({"a": "1"}), store)
    assert calls() == ["storage.objects.list"] * 4


def test_an_upload_whose_answer_was_lost_is_no_conflict(store: Store) -> None:
    store.write("a.py", b"1", generation=NEW)
    store.write("a.py", b"1", generation=NEW)
    with pytest.raises(DestinationChangedError):
        store.write("a.py", b"2", generation=NEW)
    store.delete("a.py", generation=store.listing()["a.py"].generation)
    store.delete("a.py", generation=1)


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_service_is_asked_again(emulator: Any, store: Store, code: int) -> None:
    emulator.faults(f"error:{code}:1:storage.objects.insert")
    apply(plan_sync(made({"a": "1"}, modules=0), store), store)
    assert sorted(store.listing()) == [".airflowignore", "a.py", MANIFEST]


def test_what_the_service_forbids_is_one_line(emulator: Any, store: Store) -> None:
    emulator.faults("error:403:1:storage.objects.list")
    with pytest.raises(RefusedError, match="these credentials may not do that"):
        store.listing()
    emulator.faults("error:400:1:storage.objects.insert")
    with pytest.raises(RefusedError, match="Cloud Storage did not answer"):
        store.write("a.py", b"1", generation=NEW)


@pytest.mark.usefixtures("folder")
def test_a_bucket_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(RefusedError, match=r"gs://no-such-bucket/dags/x: no such bucket"):
        open_store("gs://no-such-bucket/dags/x").listing()


def test_composite_objects_and_folder_placeholders(
    folder: Path, destination: str, store: Store, calls: Calls
) -> None:
    from google.cloud import storage

    apply(plan_sync(made({"a": "12"}), store), store)
    bucket = storage.Client(project=None).bucket(folder.parents[1].name)
    for name, text in (("p/1", "1"), ("p/2", "2"), (f"{PREFIX}/team/", "")):
        bucket.blob(name).upload_from_string(text)
    bucket.blob(f"{PREFIX}/a.py").compose([bucket.blob("p/1"), bucket.blob("p/2")])
    assert store.listing()["a.py"].md5 is None
    assert "team/" not in store.listing()
    calls()
    assert not plan_sync(made({"a": "12"}), open_store(destination + "/"))


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        ("gs://", "names no bucket"),
        ("gs://UPPER/dags/x", "names no bucket"),
        ("gs://bucket", "DAG files cannot go to the root of bucket"),
        ("gs://bucket/", "DAG files cannot go to the root of bucket"),
        ("gs://bucket/dags/../logs", "empty or relative part"),
        ("gs://bucket//dags", "empty or relative part"),
    ],
)
def test_unusable_destinations(destination: str, text: str) -> None:
    with pytest.raises(DestinationError, match=text):
        open_store(destination)


def test_the_command_over_the_wire(
    destination: str, folder: Path, capsys: pytest.CaptureFixture[str], calls: Calls
) -> None:
    arguments = ["sync", SPECS, "--env", "staging", "--to", destination]
    assert run([*arguments, "--check"]) == 1
    assert calls() == ["storage.objects.list"]
    assert run(arguments) == 0
    assert "+ arr_coc.py" in capsys.readouterr().out
    calls()
    assert run(arguments) == 0
    assert calls() == ["storage.objects.list"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"{destination}: nothing to do\n")
    (folder / "arr_coc.py").write_text("edited in the bucket")
    assert run([*arguments, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("~ arr_coc.py     pipeline arr_coc  ")
