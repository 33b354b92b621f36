"""`dagfactory --version` tells a release from a checkout, and a clean checkout from a changed one."""

import re
import tomllib

import processes
import pytest
from paths import ROOT

from dagfactory import __version__
from dagfactory.cli._version import version


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    return processes.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one\n")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_an_installed_package_says_its_release(tmp_path):
    assert version(tmp_path) == __version__


def test_a_checkout_says_its_commit(checkout):
    assert (
        version(checkout)
        == f"{__version__} (commit {git(checkout, 'rev-parse', '--short=7', 'HEAD')})"
    )
    (checkout / "untracked").write_text("x")
    assert version(checkout).endswith(")")
    assert "modified" not in version(checkout)


def test_a_changed_checkout_says_so(checkout):
    (checkout / "file").write_text("two\n")
    assert re.fullmatch(r"\S+ \(commit [0-9a-f]{7}, modified\)", version(checkout))


def test_a_tag_does_not_hide_the_commit(checkout):
    git(checkout, "tag", "-a", "v9", "-m", "nine")
    assert re.fullmatch(r"\S+ \(commit [0-9a-f]{7}\)", version(checkout))


def test_a_worktree_is_a_checkout_too(checkout, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "tree"
    git(checkout, "worktree", "add", "-q", str(other))
    assert "(commit " in version(other)


def test_the_variables_of_a_hook_are_about_another_repository(checkout, monkeypatch):
    expected = version(checkout)
    monkeypatch.setenv("GIT_DIR", str(checkout / "elsewhere"))
    assert version(checkout) == expected


@pytest.mark.parametrize("git_is", ["missing", "slow", "broken"])
def test_without_an_answer_of_git_it_is_the_release(checkout, tmp_path, monkeypatch, git_is):
    folder = tmp_path / "bin"
    folder.mkdir()
    if git_is != "missing":
        line = "exec /bin/sleep 9" if git_is == "slow" else "exit 128"
        (folder / "git").write_text(f"#!/bin/sh\n{line}\n")
        (folder / "git").chmod(0o755)
    monkeypatch.setattr("dagfactory.project.commit._PATIENCE", 0.2)
    monkeypatch.setenv("PATH", str(folder))
    assert version(checkout) == __version__


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "dagfactory/__init__.py"
