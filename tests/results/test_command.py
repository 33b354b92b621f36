"""`dagfactory results`: the table, the JSON, the page, and what is wrong in one line."""

import json
from pathlib import Path

import pytest
from run_folders import drawn_trials

from dagfactory.__main__ import run


@pytest.fixture
def made(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    trials = drawn_trials(12)
    folder.sweep("search", trials)
    folder.metrics("train", val_accuracy=0.875, note="\x1b[31mred")
    return folder


def test_the_table_has_the_winner_first_and_why_a_trial_has_no_value(made, capsys):
    assert run(["results", str(made.path)]) == 0
    first, _, head, winner, *rest = capsys.readouterr().out.splitlines()
    best = max(drawn_trials(12), key=lambda each: each["value"] or 0)
    assert first == "pipeline monday"
    assert head.split()[:3] == ["search", "accuracy", "learning_rate"]
    assert winner.split()[0] == best["trial"]
    assert any("there is no metrics.json" in line for line in rest)
    assert any(line.startswith("rank correlation with accuracy: learning_rate ") for line in rest)
    assert any(line.split()[:3] == ["train", "val_accuracy", "0.875"] for line in rest)


def test_a_terminal_gets_nothing_to_obey(made, capsys):
    made.write("search/trials.json", [{"trial": "\x1b[2J", "value": 1.0, "parameters": {}}])
    assert run(["results", str(made.path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_json_has_every_trial(made, capsys):
    assert run(["results", str(made.path), "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    search, train = found["experiments"]
    assert len(search["trials"]) == 12
    assert search["correlations"].keys() == {"learning_rate", "width"}
    assert train["trials"][0]["metrics"]["val_accuracy"] == 0.875


def test_the_page_is_written_and_its_address_printed(made, capsys, tmp_path):
    assert run(["results", str(made.path), str(made.path), "--html", "page.html"]) == 0
    assert capsys.readouterr().out == f"{(tmp_path / 'page.html').as_uri()}\n"
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "`nowhere` is not a folder"),
        ([], 2, "no run has left results in .dagfactory"),
        (["runs/pipeline/monday", "--html", "no/such/page.html"], 4, "no such file or directory"),
    ],
)
def test_mistakes_are_one_line(made, capsys, arguments, code, said):
    assert Path("runs").is_dir()
    assert made
    assert run(["results", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
