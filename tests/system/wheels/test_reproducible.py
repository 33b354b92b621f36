"""A release is the same bytes for the same commit, whatever checkout, clock and umask it is built with."""

import os
import re
import shutil
import sys

import processes
import pytest
import yaml
from paths import ROOT

EPOCH = "1796000000"


def commands():
    """Return the lines of the release's workflow that build."""
    flow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    scripts = [step.get("run", "") for step in flow["jobs"]["build"]["steps"]]
    (script,) = (each for each in scripts if "hatchling build" in each)
    return [line for line in script.splitlines() if re.search(r"hatchling|trainer\.package", line)]


def checkout(folder, *, mode, time):
    """Copy the tracked files, with permissions and times of another machine."""
    names = processes.output(["git", "ls-files", "-z"], cwd=ROOT).split("\0")[:-1]
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target, follow_symlinks=False)
        if not target.is_symlink():
            target.chmod(mode)
            os.utime(target, (time, time))
    return folder


def built(folder, **variables):
    script = "\n".join(["mkdir -p dist", *commands()])
    python = os.path.dirname(sys.executable)  # noqa: PTH120 - a part of PATH
    env = {**os.environ, "PATH": f"{python}:{os.environ['PATH']}", "SOURCE_DATE_EPOCH": EPOCH}
    processes.run(["bash", "-ec", script], cwd=folder, env=env | variables, check=True)
    return {path.name: path.read_bytes() for path in sorted((folder / "dist").iterdir())}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    one = checkout(tmp_path_factory.mktemp("one") / "a", mode=0o644, time=1_000_000_000)
    other = checkout(tmp_path_factory.mktemp("other") / "longer", mode=0o600, time=1_700_000_000)
    old = os.umask(0o077)
    try:
        second = built(other, PYTHONHASHSEED="7", TZ="Asia/Tokyo", LC_ALL="C")
    finally:
        os.umask(old)
    return built(one, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8"), second


def test_the_same_files_give_the_same_bytes(releases):
    first, second = releases
    assert [*first] == [*second]
    assert [name for name in first if first[name] != second[name]] == []


def test_wheels_and_sources_of_both_distributions_are_there(releases):
    kinds = [re.sub(r"-[\d.]+(?=-py3|\.tar)", "", name) for name in releases[0]]
    assert kinds == [
        *("dagfactory-py3-none-any.whl", "dagfactory.tar.gz"),
        *("dagfactory_trainer-py3-none-any.whl", "dagfactory_trainer.tar.gz"),
    ]
