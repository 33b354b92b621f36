"""`make long`: what was found is recorded, what has passed is not run again, the page shows it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from paths import ROOT

PASSES, FAILS = "print('7 of 7 found')", "print('6 of 7 found'); raise SystemExit(1)"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return import_module("long")


@pytest.fixture
def long(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with a file of results, a page and a commit of its own."""
    monkeypatch.setattr(script, "RESULTS", tmp_path / "long.jsonl")
    monkeypatch.setattr(script, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(script, "state_of_the_code", lambda: "abc")
    script.PAGE.write_text(f"before\n{script.BEGIN}old\n{script.END}after\n")
    return script


def proofs(module: ModuleType, **codes: str) -> tuple:
    return tuple(
        module.Proof(name, ("-c", code), (r"\d of \d",), seed=3) for name, code in codes.items()
    )


def test_what_has_passed_at_this_commit_is_not_run_again(
    long: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long, "PROOFS", proofs(long, good=PASSES, bad=FAILS))
    assert long.main([]) == 1
    monkeypatch.setattr(long, "PROOFS", proofs(long, good=FAILS, bad=PASSES))
    assert long.main([]) == 0
    found = [(each["name"], each["passed"], each["figures"]) for each in long.results()]
    assert found == [
        ("good", True, ["7 of 7"]),
        ("bad", False, ["6 of 7"]),
        ("bad", True, ["7 of 7"]),
    ]
    monkeypatch.setattr(long, "state_of_the_code", lambda: "another")
    monkeypatch.setattr(long, "PROOFS", proofs(long, good=FAILS))
    assert long.main([]) == 1


def test_only_the_proofs_that_are_named(long: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long, "PROOFS", proofs(long, good=PASSES, bad=FAILS))
    assert long.main(["good"]) == 0


def test_the_page_shows_the_newest_of_each(
    long: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in (FAILS, PASSES):
        monkeypatch.setattr(long, "PROOFS", proofs(long, one=code))
        long.main([])
    lines = long.PAGE.read_text().splitlines()
    (row,) = [line for line in lines if line.startswith("| one ")]
    assert row.startswith("| one | passed: 7 of 7 | 3 | 20")
    assert (lines[0], lines[-1]) == ("before", "after")


def test_no_end_is_a_failure(
    long: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(long, "LIMIT", 0.5)
    monkeypatch.setattr(long, "PROOFS", proofs(long, endless="import time; time.sleep(60)"))
    assert long.main([]) == 1
    assert "no end within" in capsys.readouterr().out


def test_the_page_of_this_project_is_current(script: ModuleType) -> None:
    assert script.table() in script.PAGE.read_text(encoding="utf-8")


def test_every_proof_names_files_that_exist(script: ModuleType) -> None:
    for proof in script.PROOFS:
        files = [word for word in proof.command if word.endswith(".py")]
        assert files
        assert all((ROOT / file).is_file() for file in files)
