"""Planning, on data alone and on real folders."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import made

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle, entry, ignore_file
from dagfactory.deploy.apply import apply, plan_sync
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.manifest import parse
from dagfactory.deploy.plan import SyncPlan, confirm_removals, plan
from dagfactory.deploy.stores import NEW, StoredFile, crc32c, md5
from dagfactory.deploy.stores.local import LocalStore

NAMES = st.sampled_from(["etl", "train", "report", "score", "clean"])
TEXTS = st.sampled_from(["one", "two", "three"])
FOREIGN_NAMES = st.sampled_from(["airflow_monitoring.py", "team/dag.py", "etl.py", "train.py"])
BUNDLES = st.builds(
    made,
    st.dictionaries(NAMES, TEXTS, min_size=1),
    runtime=st.sampled_from(["a", "b", "c"]),
)
FOREIGN = st.dictionaries(FOREIGN_NAMES, st.sampled_from([b"theirs", b"one"]))


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def interrupt(made_plan: SyncPlan, store: LocalStore, after: int) -> None:
    """Carry out the first operations of a plan, as a killed process would."""
    for write in made_plan.writes[:after]:
        store.write(write.path, write.content, generation=write.generation)
    for delete in made_plan.deletes[: max(0, after - len(made_plan.writes))]:
        store.delete(delete.path, generation=delete.generation)


def listed(files: dict[str, bytes]) -> dict[str, StoredFile]:
    return {path: StoredFile(len(data), 7, md5(data)) for path, data in files.items()}


@settings(max_examples=150, deadline=None)
@given(foreign=FOREIGN, bundles=st.lists(BUNDLES, min_size=1, max_size=4), stop=st.integers(0, 30))
def test_syncs_converge_and_never_touch_what_is_not_theirs(
    foreign: dict[str, bytes], bundles: list[Bundle], stop: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = LocalStore(folder)
        fill(folder, foreign)
        theirs = dict(foreign)
        for bundle in bundles:
            first = plan_sync(bundle, store)
            if first.refused:
                wanted = [path for path in bundle.files if path in theirs]
                assert [path for path in wanted if theirs[path] != bundle.files[path]]
                with pytest.raises(RefusedError):
                    apply(first, store, confirmed=True)
                continue
            theirs = {path: data for path, data in theirs.items() if path not in bundle.files}
            interrupt(first, store, stop)
            apply(plan_sync(bundle, store), store, confirmed=True)
            now = content(folder)
            assert {path: now[path] for path in theirs} == theirs
            assert {p: d for p, d in now.items() if p in bundle.files and p != MANIFEST} == {
                p: d for p, d in bundle.files.items() if p != MANIFEST
            }
            remote = parse(now[MANIFEST])
            assert remote
            assert set(now) == {MANIFEST, *remote.files, *theirs}
            assert not plan_sync(bundle, store)


@settings(max_examples=300, deadline=None)
@given(
    bundle=BUNDLES,
    old=st.one_of(st.none(), BUNDLES),
    listing=st.dictionaries(
        st.one_of(NAMES.map(lambda n: f"{n}.py"), FOREIGN_NAMES, st.text(max_size=5)),
        st.builds(
            StoredFile, st.integers(0, 9), st.integers(1, 9), st.sampled_from([None, md5(b"one")])
        ),
    ),
)
def test_a_plan_deletes_only_what_the_manifest_names(
    bundle: Bundle, old: Bundle | None, listing: dict[str, StoredFile]
) -> None:
    found = plan(bundle, listing, old.manifest if old else None)
    named = set(json.loads(old.manifest)["files"]) if old else set()
    assert {each.path for each in found.deletes} <= named & set(listing) - set(bundle.files)
    changed = {each.path for each in found.writes if each.generation != NEW} - {MANIFEST}
    assert found.refused or changed <= named
    assert all(each.generation == listing[each.path].generation for each in found.deletes)


def test_what_is_imported_comes_first_and_the_manifest_last() -> None:
    paths = [each.path for each in plan(made({"b": "1", "a": "1"}), {}, None).writes]
    runtime = ["dagfactory_runtime_a/m0.py", "dagfactory_runtime_a/m1.py"]
    assert paths == [*runtime, "a.py", "b.py", IGNORE, MANIFEST]


def test_an_object_without_md5_is_compared_by_crc32c() -> None:
    assert StoredFile(3, 1, None, crc32c(b"one")).has_content(b"one")
    assert not StoredFile(3, 1, None, crc32c(b"one")).has_content(b"two")
    assert not StoredFile(3, 1).has_content(b"one")
    assert not StoredFile(4, 1, None, crc32c(b"one")).has_content(b"one")


def test_the_previous_runtime_stays_for_one_change(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for runtime, packages in (("a", "a"), ("b", "ab"), ("b", "ab"), ("c", "bc"), ("b", "bc")):
        apply(plan_sync(made({"etl": "1"}, runtime=runtime), store), store)
        found = {path.name for path in tmp_path.iterdir() if path.is_dir()}
        assert found == {f"dagfactory_runtime_{each}" for each in packages}


def with_code(bundle: Bundle, *, code: str = "", package: str = "") -> Bundle:
    """Return a bundle with a folder of code and one of a package, each of a hash."""
    files, data = dict(bundle.files), json.loads(bundle.manifest)
    if code:
        data["code"] = f"dagfactory_code_{code}"
        files[f"dagfactory_code_{code}/my_team/fit.py"] = code.encode()
    if package:
        files[f"dagfactory_package_{package}/own-0-py3-none-any.whl"] = package.encode()
    del files[MANIFEST]
    files[IGNORE] = ignore_file(files)
    data["files"] = {path: entry(content) for path, content in sorted(files.items())}
    return Bundle({**files, MANIFEST: (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()})


def test_the_previous_code_stays_for_one_change_and_packages_stay(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for code, package, kept in (
        ("a", "1", {"code_a", "package_1"}),
        ("b", "2", {"code_a", "code_b", "package_1", "package_2"}),
        ("b", "", {"code_a", "code_b", "package_1", "package_2"}),
        ("", "", {"code_b", "package_1", "package_2"}),
        ("c", "", {"code_b", "code_c", "package_1", "package_2"}),
    ):
        bundle = with_code(made({"etl": "1"}), code=code, package=package)
        planned = plan_sync(bundle, store)
        apply(planned, store)
        found = {path.name for path in tmp_path.iterdir() if path.is_dir()}
        assert found == {f"dagfactory_{each}" for each in (*kept, "runtime_a")}
        ignored = (tmp_path / IGNORE).read_text().split()
        assert {each.split("_")[1] for each in ignored} == {each.split("_")[1] for each in found}
        assert not plan_sync(bundle, store)
        order = [each.path for each in planned.writes]
        dags = order.index("etl.py") if "etl.py" in order else 0
        assert all("/" in path for path in order[:dags])
    (tmp_path / "dagfactory_package_1/own-0-py3-none-any.whl").unlink()
    apply(plan_sync(made({"etl": "2"}), store), store)
    assert "dagfactory_package_1" not in (tmp_path / MANIFEST).read_text()


def test_a_manifest_names_no_file_that_is_missing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    apply(plan_sync(made({"etl": "1"}, runtime="a"), store), store)
    (tmp_path / "dagfactory_runtime_a/m0.py").unlink()
    apply(plan_sync(made({"etl": "1"}, runtime="b"), store), store)
    named = json.loads((tmp_path / MANIFEST).read_text())["files"]
    assert set(named) | {MANIFEST} == set(content(tmp_path))


def test_old_runtimes_do_not_count_as_deletions() -> None:
    first, second = made({"e": "1"}, runtime="a", modules=9), made({"e": "1"}, runtime="b")
    data = json.loads(second.manifest)
    data["previous_runtime"] = "dagfactory_runtime_a"
    data["files"] |= json.loads(first.manifest)["files"]
    third = made({"e": "1"}, runtime="c")
    found = plan(third, listed(first.files | second.files), json.dumps(data).encode())
    assert len(found.deletes) == 9
    assert not found.confirm


@pytest.mark.parametrize(
    ("before", "gone", "asked"), [(4, 3, False), (5, 4, True), (30, 6, False), (30, 7, True)]
)
def test_many_deletions_need_a_yes(before: int, gone: int, asked: bool) -> None:
    old = made({f"p{n}": "1" for n in range(before)})
    new = made({f"p{n}": "1" for n in range(gone, before)})
    found = plan(new, listed(old.files), old.manifest)
    assert len(found.deletes) == gone
    assert found.confirm == ((f"{gone} of {before + 1} files would be deleted",) if asked else ())


def test_a_bundle_of_single_specs_asks_before_it_removes_the_others() -> None:
    old, new = made({"a": "1", "b": "1"}), made({"a": "1"})
    found = confirm_removals(plan(new, listed(old.files), old.manifest))
    assert found.confirm == ("only some specs were named, and b.py would be deleted",)
    assert not confirm_removals(plan(old, listed(old.files), old.manifest)).confirm


def test_an_empty_bundle_is_refused() -> None:
    found = plan(made({}), listed(made({"a": "1"}).files), made({"a": "1"}).manifest)
    assert found.refused
    assert not found


def test_another_environment_needs_a_yes() -> None:
    old, new = made({"a": "1"}), made({"a": "1"}, environment="prod")
    found = plan(new, listed(old.files), old.manifest)
    assert found.confirm == ("the destination belongs to environment `staging`, not `prod`",)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        made({"a": "1"}).manifest.replace(b'"schema_version": 1', b'"schema_version": 2'),
        made({"a": "1"}).manifest.replace(b"dagfactory 0.1.0", b"something else"),
        b'{"manifest_version": 3, "name": "a browser extension"}',
    ],
)
def test_a_manifest_of_somebody_else_is_refused(text: bytes) -> None:
    found = plan(made({"a": "1"}), listed({MANIFEST: text}), text)
    assert found.refused[0].startswith("manifest.json is not a manifest that this version wrote")


@pytest.mark.parametrize(
    "path",
    [
        *("../a.py", "/a.py", "x/../../a.py", "a//b.py", "", ".", "a\\b.py", MANIFEST),
        *("a\0.py", "\ud800.py", "\x1b[2J.py", "\u202eyp.a"),
    ],
)
@pytest.mark.parametrize("key", ["files", "removed"])
def test_a_manifest_with_a_path_that_is_not_ours_is_refused(path: str, key: str) -> None:
    data = json.loads(made({"a": "1"}).manifest)
    data.setdefault(key, {})[path] = {"sha256": "0", "bytes": 1} if key == "files" else 7
    text = json.dumps(data).encode()
    found = plan(made({"b": "1"}), listed({path: b"x", MANIFEST: text}), text)
    assert found.refused
    assert not found


@pytest.mark.parametrize(
    "change",
    [
        {"environment": 5},
        {"runtime": None},
        {"files": []},
        {"files": {"a.py": "1"}},
        {"files": {"a.py": {"sha256": "0", "bytes": "1"}}},
        {"removed": {"a.py": float("inf")}},
        {"removed": {"a.py": "7"}},
        {"removed": []},
        {"generator": ["dagfactory"]},
    ],
    ids=str,
)
def test_a_manifest_with_a_value_of_another_type_is_refused(change: dict[str, object]) -> None:
    text = json.dumps(json.loads(made({"a": "1"}).manifest) | change).encode()
    assert plan(made({"b": "1"}), listed({MANIFEST: text}), text).refused


@pytest.mark.parametrize("deep", [900, 100_000])
def test_a_deep_manifest_is_no_traceback(deep: int) -> None:
    nested = b"[" * deep + b"]" * deep
    manifest = made({"a": "1"}).manifest
    for key in (b'"files": {', b'"pipelines": {'):
        text = manifest.replace(key, key + b'"x": ' + nested + b", ")
        found = plan(made({"b": "1"}), listed({MANIFEST: text}), text)
        assert bool(found.refused) is not bool(found.writes)


def test_a_name_that_is_there_twice_is_refused() -> None:
    text = made({"a": "1"}).manifest.replace(b'"files": {', b'"files": {"a.py": {}, ')
    assert plan(made({"b": "1"}), listed({MANIFEST: text}), text).refused


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / MANIFEST).open("wb") as file:
        file.truncate(20_000_000_000)
    assert plan_sync(made({"a": "1"}), LocalStore(tmp_path)).refused


def test_what_an_interrupted_sync_left_is_deleted_only_in_that_generation() -> None:
    old = made({"a": "1"})
    data = json.loads(old.manifest)
    data["removed"] = {"left.py": 7, "again.py": 6}
    text = json.dumps(data).encode()
    found = plan(old, listed({**old.files, "left.py": b"x", "again.py": b"x"}), text)
    assert [each.path for each in found.deletes] == ["left.py"]
    assert not found.writes


def test_what_another_sync_is_about_to_delete_is_written_again() -> None:
    old, new = made({"a": "1"}), made({"a": "1", "b": "1"})
    data = json.loads(old.manifest) | {"removed": {"b.py": 7}}
    text = json.dumps(data).encode()
    found = plan(new, listed({**old.files, "b.py": b"1", MANIFEST: text}), text)
    assert [each.path for each in found.writes] == ["b.py", MANIFEST]


def test_what_is_restored_comes_with_the_manifest() -> None:
    old = made({"a": "1", "b": "1"})
    found = plan(old, listed({**old.files, "b.py": b"2"}), old.manifest)
    assert [each.path for each in found.writes] == ["b.py", MANIFEST]


def marked(files: dict[str, bytes]) -> dict[str, StoredFile]:
    return {path: StoredFile(len(data), 7, md5(data), marked=True) for path, data in files.items()}


def test_what_no_manifest_names_is_left_until_somebody_agrees() -> None:
    old = made({"a": "1"})
    listing = listed({**old.files, "theirs.py": b"1"}) | marked({"left.py": b"1"})
    found = plan(old, listing, old.manifest)
    assert not found
    assert [each.path for each in found.left] == ["left.py"]
    found = plan(old, listing, old.manifest, remove_left=True)
    assert [each.path for each in found.writes] == [MANIFEST]
    assert [each.path for each in found.deletes] == ["left.py"]
    assert json.loads(found.writes[0].content)["removed"] == {"left.py": 7}
    assert not found.left


def test_what_a_sync_left_is_replaced() -> None:
    listing = marked({"a.py": b"1", "left.py": b"1"})
    found = plan(made({"a": "2"}), listing, None)
    assert not found.refused
    assert "a.py" in [each.path for each in found.writes]
    assert [each.path for each in found.left] == ["left.py"]
