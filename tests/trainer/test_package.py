"""The trainer as a source distribution: the same bytes, and what pip makes of them."""

import hashlib
import sys
import tarfile
import tomllib

import processes
import pytest

from trainer import package
from trainer.errors import UsageError


def built(folder):
    assert package.main([f"--output={folder}"]) == 0
    return folder / f"{package.NAME}.tar.gz"


def test_the_same_code_gives_the_same_bytes(tmp_path, monkeypatch):
    first = built(tmp_path / "a").read_bytes()
    assert built(tmp_path / "b").read_bytes() == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = built(tmp_path / "c")
    assert dated.read_bytes() != first
    with tarfile.open(dated) as tar:
        assert {entry.mtime for entry in tar} == {1700000000}
    assert built(tmp_path / "d").read_bytes() == dated.read_bytes()


def test_it_holds_the_code_and_nothing_else(tmp_path):
    with tarfile.open(built(tmp_path)) as tar:
        names = tar.getnames()
        assert {(entry.uid, entry.gid, entry.mode) for entry in tar} == {(0, 0, 0o644)}
    head = f"{package.NAME}/"
    assert names == sorted(names)
    assert {f"{head}{name}" for name in ("PKG-INFO", "pyproject.toml", "trainer/vlm/train.py")} <= {
        *names
    }
    assert all(name.endswith((".py", "PKG-INFO", "pyproject.toml")) for name in names)


def test_a_time_that_is_no_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(UsageError, match="'today', not a number"):
        built(tmp_path)


def test_pip_installs_it_with_every_file_unchanged(tmp_path):
    target = tmp_path / "target"
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", f"--target={target}"]
    command = [sys.executable, "-m", "pip", "install", *options, str(built(tmp_path))]
    processes.run(command, check=True)
    source = package.contents(package.Path(package.__file__).parent)
    for name, content in source.items():
        if name.startswith("trainer/"):
            found = (target / name).read_bytes()
            assert hashlib.sha256(found).digest() == hashlib.sha256(content).digest(), name
    metadata = (target / f"{package.NAME}.dist-info" / "METADATA").read_text()
    for need in package.DEPENDENCIES:
        assert f"Requires-Dist: {need}\n" in metadata
    assert "torch" not in metadata


def test_what_it_needs_is_what_the_project_says():
    """Those of trainer/pyproject.toml, without torch, which comes with the image."""
    text = (package.Path(package.__file__).parent / "pyproject.toml").read_text()
    needs = tomllib.loads(text)["project"]["dependencies"]
    assert set(package.DEPENDENCIES) == {each for each in needs if not each.startswith("torch")}
