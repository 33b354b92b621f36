"""The bundle: the same bytes for the same specs, written whole, removing only what it owns."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import processes
import pytest
from lines import specs_for
from paths import ROOT, TESTS

from dagfactory.compiler.bundle.bundle import (
    MANIFEST,
    Bundle,
    bundle,
    compare,
    entry,
    owned,
    safe,
    write,
)
from dagfactory.compiler.compile import build

SPECS = [ROOT / "specs/arr_coc.yaml", ROOT / "specs/quickstart.yaml"]
GOLDEN = TESTS / "golden"
RUNTIME = re.compile(r"dagfactory_runtime_[0-9a-f]{12}")
HASH = re.compile(r"[0-9a-f]{64}")


def made(environment: str, specs: list[Path] | None = None) -> Bundle:
    built = build(specs or SPECS, environment)
    assert built.bundle, built.diagnostics
    return built.bundle


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_rendered_files_are_the_golden_ones(environment: str) -> None:
    for name, rendered in made(environment).dags.items():
        path = GOLDEN / environment / name
        text = RUNTIME.sub("dagfactory_runtime_HASH", rendered)
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, "run `make golden`, and read the diff"


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_the_two_lines_differ_in_their_headers_only(environment: str, tmp_path: Path) -> None:
    """The differences that docs/decisions.md names: the target, and so the hash of the inputs."""
    bundle_2 = made(environment, [specs_for("airflow2", tmp_path) / "arr_coc.yaml"])
    old = RUNTIME.sub("dagfactory_runtime_HASH", bundle_2.dags["arr_coc.py"]).splitlines()
    new = (GOLDEN / environment / "arr_coc.py").read_text(encoding="utf-8").splitlines()
    pairs = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert [HASH.sub("HASH", one) for pair in pairs for one in pair] == [
        "# inputs sha256:HASH",
        "# inputs sha256:HASH",
        f"# target airflow2, environment {environment}",
        f"# target airflow3, environment {environment}",
    ]


def test_formatter_and_airflow_rules_agree(tmp_path: Path) -> None:
    for environment in ("local", "prod"):
        write(made(environment), tmp_path / environment)
    dags = [str(path) for path in tmp_path.glob("*/*.py")]
    ruff = [sys.executable, "-m", "ruff"]
    processes.run([*ruff, "format", "--isolated", "--check", *dags], check=True)
    rules = ["--isolated", "--preview", "--select", "AIR,F,E9,I"]
    processes.run([*ruff, "check", *rules, *dags], check=True)


def test_prod_differs_from_dev_only_in_what_the_environment_changes() -> None:
    dev, prod = (made(name).dags["arr_coc.py"].splitlines() for name in ("dev", "prod"))
    different = [pair for pair in zip(dev, prod, strict=True) if pair[0] != pair[1]]
    assert len(different) > 10
    for one, other in different:
        assert re.sub(r"(?<![.])\bdev\b", "prod", one) == other or "sha256" in one


def test_one_learning_rate_changes_one_line_and_the_hash(tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    shutil.copytree(ROOT / "specs", folder)
    spec = folder / "arr_coc.yaml"
    before = made("prod", [spec]).dags["arr_coc.py"].splitlines()
    spec.write_text(spec.read_text().replace("values: [1e-3, 3e-3]", "values: [2e-3, 3e-3]"))
    after = made("prod", [spec]).dags["arr_coc.py"].splitlines()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [other.strip() for _, other in changed[1:]] == ['"learning_rate": [0.002, 0.003],']
    assert changed[0][0].startswith("# inputs sha256:")


def test_the_manifest_names_every_file_with_its_hash() -> None:
    one = made("prod")
    manifest = json.loads(one.manifest)
    assert set(manifest["files"]) == set(one.files) - {MANIFEST}
    for path, item in manifest["files"].items():
        assert item["sha256"] == hashlib.sha256(one.files[path]).hexdigest()
    assert manifest["pipelines"]["arr_coc"]["spec"] == "specs/arr_coc.yaml"


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    assert write(made("prod"), tmp_path).added
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert not write(made("prod"), tmp_path)
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_only_owned_files_are_removed(tmp_path: Path) -> None:
    write(made("prod"), tmp_path)
    foreign = tmp_path / "theirs.py"
    foreign.write_text("mine = 1")
    difference = write(made("prod", SPECS[:1]), tmp_path)
    assert difference.removed == ("plans/quickstart.json", "quickstart.py")
    assert foreign.read_text() == "mine = 1"
    assert not (tmp_path / "quickstart.py").exists()


KILLED = """
import os, sys
from pathlib import Path
from dagfactory.project.files import Folder
os.replace = lambda *_, **__: os.kill(os.getpid(), 9)
Folder(Path(sys.argv[1])).write("quickstart.py", b"half")
"""


def test_what_a_killed_render_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, tmp_path]
    assert processes.run(command, cwd=ROOT, check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    write(made("prod"), tmp_path)
    assert left.exists()  # it may be of a render that runs
    os.utime(left, (0, 0))
    write(made("prod"), tmp_path)
    assert not left.exists()


def test_a_new_runtime_replaces_the_old_one_whole(tmp_path: Path) -> None:
    one = made("prod")
    old = {
        path.replace("dagfactory_runtime_", "dagfactory_runtime_0"): data
        for path, data in one.files.items()
    }
    names = {path: entry(data) for path, data in old.items()}
    write(Bundle({**old, MANIFEST: json.dumps({"files": names}).encode()}), tmp_path)
    write(one, tmp_path)
    assert len(list(tmp_path.glob("dagfactory_runtime_*"))) == 1


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "a//b", "a\\b", "./a"])
def test_a_manifest_cannot_name_files_outside(path: str, tmp_path: Path) -> None:
    assert not safe(path)
    manifest = json.dumps({"files": {path: {"sha256": "x"}}}).encode()
    assert owned(manifest) == {}
    (tmp_path / MANIFEST).write_bytes(manifest)
    assert compare(made("prod"), tmp_path).removed == ()


@pytest.mark.parametrize(
    "manifest", [None, b"", b"[]", b"{", b'{"files": 1}', b'{"files": {"a": 1}}']
)
def test_a_broken_manifest_owns_nothing(manifest: bytes | None) -> None:
    assert owned(manifest) == {}


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("pipeline: same\ntasks: {x: {type: empty}}\n")
    built = build(sorted(tmp_path.glob("*.yaml")), None)
    assert built.bundle is None
    assert [each.code for each in built.diagnostics] == ["DF213"]


def test_an_empty_bundle_is_still_a_bundle() -> None:
    assert MANIFEST in bundle([], generator="x", environment="x").files
