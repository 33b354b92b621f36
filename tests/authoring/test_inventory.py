"""`dagfactory ls`: what is listed, and by what it is selected."""

import json
from pathlib import Path

import pytest

from dagfactory.__main__ import run

ENVIRONMENT = """
environment: prod
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: out/dags/team
"""
NIGHTLY = """
pipeline: nightly
schedule: "0 3 * * *"
start_date: 2026-01-05
tags: [vision, night]
tasks:
  a: {type: bash, command: echo 1}
  g: {type: group, tasks: {b: {type: empty}}}
"""
PLAIN = "pipeline: plain\ntasks:\n  a: {type: bash, command: echo 1}\n"


@pytest.fixture
def listed(tmp_path, monkeypatch, capsys):
    """Return a function that lists a project of two pipelines, by the names alone."""
    monkeypatch.chdir(tmp_path)
    Path("specs/environments").mkdir(parents=True)
    Path("specs/environments/prod.yaml").write_text(ENVIRONMENT)
    Path("specs/nightly.yaml").write_text(NIGHTLY)
    Path("specs/plain.yaml").write_text(PLAIN)

    def names(*select, code=0):
        options = [f"--select={each}" for each in select]
        capsys.readouterr()
        assert run(["ls", "--env", "prod", "--format", "json", *options]) == code
        out = capsys.readouterr().out
        return [each["name"] for each in json.loads(out)] if out else []

    return names


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ([], ["nightly", "nightly.a", "nightly.g", "nightly.b", "plain", "plain.a"]),
        (["type:pipeline"], ["nightly", "plain"]),
        (["type:bash"], ["nightly.a", "plain.a"]),
        (["type:bash", "type:empty", "tag:night"], ["nightly.a", "nightly.b"]),
        (["tag:v*", "type:group"], ["nightly.g"]),
        (["plain"], ["plain", "plain.a"]),
        (["name:*.a"], ["nightly.a", "plain.a"]),
    ],
)
def test_keys_all_hold_and_of_values_one(listed, select, found):
    assert listed(*select) == found


def test_state_is_what_a_sync_would_change(listed):
    assert listed("state:new", "type:pipeline") == ["nightly", "plain"]
    assert run(["sync", "--env", "prod"]) == 0
    assert listed("state:*ed", code=3) == []
    Path("specs/plain.yaml").write_text(PLAIN.replace("echo 1", "echo 2"))
    assert listed("state:modified") == ["plain", "plain.a"]
    assert listed("state:new", code=3) == []


def test_the_text_has_the_schedule_with_the_pipeline(listed, capsys):
    assert run(["ls", "--select", "nightly"]) == 0
    head, first, second, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "TYPE", "SCHEDULE", "TAGS"]
    assert first.split("  ")[-2:] == ["0 3 * * *", "vision, night"]
    assert second.split() == ["nightly.a", "bash"]


def test_mistakes_are_said(listed, capsys):
    assert run(["ls", "--select", "tga:x"]) == 2
    assert "did you mean `tag`?" in capsys.readouterr().err
    assert run(["ls", "--select", "state:new"]) == 2
    assert "add `--env NAME`" in capsys.readouterr().err
    Path("specs/plain.yaml").write_text("pipeline: plain\ntasks: {a: {type: bsh}}\n")
    assert run(["ls"]) == 1
    assert "DF125" in capsys.readouterr().err
