"""Wheels: pip takes them, and the same files give the same bytes."""

import json
import sys
import zipfile
from io import BytesIO

import processes

from dagfactory.project.wheel import wheel, wheel_name

FILES = {"fit/__init__.py": b"", "fit/run.py": b"print('ran')\n", "fit/words.txt": b"one\ntwo\n"}


def test_the_same_files_give_the_same_bytes_in_any_order():
    made = wheel("fit_code", FILES, ("a==1",))
    assert made == wheel("fit_code", dict(reversed(FILES.items())), ("a==1",))
    assert made != wheel("fit_code", FILES, ("a==2",))
    entries = zipfile.ZipFile(BytesIO(made)).infolist()
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {each.external_attr >> 16 for each in entries} == {0o100644}
    assert {each.compress_type for each in entries} == {zipfile.ZIP_STORED}


def test_pip_installs_it_and_knows_what_it_requires(tmp_path):
    path = tmp_path / wheel_name("fit_code")
    path.write_bytes(wheel("fit_code", FILES, ("click>=8", "pyyaml")))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
    target = tmp_path / "installed"
    install = [*pip, "--quiet", "--no-deps", "--target", str(target), str(path)]
    assert processes.run(install, capture_output=True, text=True, check=True).stderr == ""
    assert (target / "fit" / "words.txt").read_bytes() == b"one\ntwo\n"
    dry = [*pip, "--quiet", "--dry-run", "--report", "-", str(path)]
    report = json.loads(processes.run(dry, capture_output=True, text=True, check=True).stdout)
    (found,) = report["install"]
    assert found["metadata"]["requires_dist"] == ["click>=8", "pyyaml"]
