"""Searches of W&B, Katib and Vertex AI: each case is a file with the spec and the remarks that come of it."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
import yaml
from google.cloud.aiplatform_v1.types import StudySpec
from google.protobuf import json_format

from dagfactory.__main__ import run
from dagfactory.diagnostics.source import SourceFile, read
from dagfactory.importers import Options, Source, formats, importer

CASES = Path(__file__).parent / "searches"
NAMES = sorted(each.stem for each in CASES.glob("*.yaml"))


def result(name):
    source = read(CASES / f"{name}.yaml", f"{name}.yaml")
    assert isinstance(source, SourceFile)
    tool = next(each for each in formats() if name.startswith(each))
    return importer(tool).read([Source(source)], Options())[0]


def written(name):
    found = result(name)
    parts = [each.line() + "\n" for each in found.remarks]
    for each in found.outcomes:
        parts.append(f"=== {each.pipeline}\n{each.text or ''}")
        parts += [remark.line() + "\n" for remark in each.remarks]
    return "".join(parts)


@pytest.mark.parametrize("name", NAMES)
def test_the_import_is_as_written_down(name):
    expected = CASES / f"{name}.out"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(written(name), encoding="utf-8")
    assert written(name) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_a_spec_or_refused_with_key_and_place(name):
    (outcome,) = result(name).outcomes
    errors = [each for each in outcome.remarks if each.severity == "error"]
    assert bool(errors) == (outcome.text is None)
    assert all(each.span and each.span.line for each in outcome.remarks)
    assert all(each.message.startswith("`") for each in outcome.remarks)


@pytest.mark.parametrize("name", [each for each in NAMES if "refused" not in each])
def test_files_are_recognised_by_themselves(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["import", str(CASES / f"{name}.yaml")]
    code = run(command)
    plain = capsys.readouterr()
    tool = next(each for each in formats() if name.startswith(each)).replace("_", "-")
    assert run([*command, "--from", tool]) == code
    assert capsys.readouterr() == plain


def test_files_of_several_tools_are_imported_together(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ("wandb_random", "katib_random", "vertex_hpt_random")
    paths = [str(CASES / f"{each}.yaml") for each in names]
    assert run(["import", *paths, str(CASES.parent / "cases/list_form.yml"), "--out", "specs"]) == 0
    assert "imported 4 of 4 DAGs" in capsys.readouterr().err


def test_a_file_of_another_tool_is_one_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("a: 1\n")
    for name in ("wandb", "katib", "vertex-hpt"):
        assert run(["import", "a.yaml", "--from", name]) == 1
        line, _ = capsys.readouterr().err.splitlines()
        assert "error[not-a-dag]: the file is not a" in line


def test_specs_of_searches_check_clean_in_a_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    environments = tmp_path / "specs/environments"
    environments.mkdir(parents=True)
    (environments / "dev.yaml").write_text(
        "environment: dev\nproject: p-dev-1\nregion: us-central1\nbucket: gs://p-dev\n"
    )
    for name in ("train.py", "main.py"):
        (tmp_path / name).touch()
    paths = [
        str(CASES / f"{each}.yaml")
        for each in ("wandb_random", "katib_random", "vertex_hpt_random")
    ]
    assert run(["import", *paths, "--out", "specs"]) == 0
    assert run(["check", "specs", "--no-cache"]) == 0, capsys.readouterr()


def test_a_study_with_conditions_comes_out_as_it_went_in(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    environments = tmp_path / "specs/environments"
    environments.mkdir(parents=True)
    (environments / "dev.yaml").write_text(
        "environment: dev\nproject: p-dev-1\nregion: us-central1\nbucket: gs://p-dev\n"
    )
    source = CASES / "vertex_hpt_conditional.yaml"
    assert run(["import", str(source), "--out", "specs"]) == 0
    capsys.readouterr()
    assert run(["render", "specs", "--env", "dev", "--stdout"]) == 0
    tree = ast.parse(capsys.readouterr().out)
    dicts = [each for each in ast.walk(tree) if isinstance(each, ast.Dict)]
    found = [
        d
        for d in dicts
        if any(isinstance(k, ast.Constant) and k.value == "studySpec" for k in d.keys)
    ]
    assert len(found) == 1
    job = ast.literal_eval(found[0])
    expected = yaml.load(source.read_text(), yaml.SafeLoader)
    assert proto(job["studySpec"]) == proto(expected["studySpec"])
    assert job["maxFailedTrialCount"] == expected["maxFailedTrialCount"]


def proto(study):
    message = StudySpec.pb(StudySpec())
    json_format.ParseDict(study, message)
    return message
