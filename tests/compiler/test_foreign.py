"""A file of another tool gets one line that says what it is, from `check` and from `import`."""

from __future__ import annotations

import pytest

from dagfactory.__main__ import run

FILES = {
    "a workflow of GitHub Actions": "name: CI\non: [push]\njobs:\n  a: {runs-on: x, steps: [{run: echo}]}\n",
    "an action of GitHub Actions": "name: x\nruns: {using: composite, steps: []}\n",
    "a file of Docker Compose": "services:\n  db: {image: postgres}\nvolumes: {x: {}}\n",
    "a `Pod` of Kubernetes": "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: []}\n",
    "a template of CloudFormation": 'Resources: {A: !Sub "x"}\nOutputs: {B: !Ref A}\n',
    "a playbook of Ansible": "- hosts: all\n  roles: [{role: x}]\n",
    "an experiment of Determined": "name: x\nsearcher: {name: single}\nentrypoint: train.py\n",
    "a build of Cloud Build": "steps:\n- name: gcr.io/x\noptions: {logging: NONE}\n",
    "a configuration of pre-commit": "repos:\n- repo: local\n  hooks: []\n",
    "a pipeline of DVC or GitLab": "stages: [build]\nbuild:\n  script: make\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_one_line_says_what_it_is(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(FILES[kind])
    assert run(["check", "x.yaml", "--format", "concise", "--no-cache"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert f"it looks like {kind}" in line
    assert run(["import", "x.yaml"]) == 1
    line, summary = capsys.readouterr().err.splitlines()
    assert f"the file looks like {kind}" in line
    assert summary.startswith("imported 0 of 0 DAGs")


SEARCHES = {
    "an experiment of Katib": "apiVersion: kubeflow.org/v1beta1\nkind: Experiment\nspec: {parameters: []}\n",
    "a W&B sweep": "program: train.py\nmethod: bayes\nparameters:\n  lr: {min: 0.1, max: 1.0}\n",
    "a hyperparameter tuning job of Vertex AI": "studySpec: {metrics: []}\ntrialJobSpec: {}\n",
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_what_can_be_imported_is_said_so(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(SEARCHES[kind])
    assert run(["check", "x.yaml", "--format", "concise", "--no-cache"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert f"it looks like {kind}" in line
    assert "dagfactory import FILE" in line
    assert run(["import", "x.yaml"]) == 1
    assert "error[" in capsys.readouterr().err


UNKNOWN = {
    "settings": "a: 1\nb: {c: 2}\n",
    "a list": "- a\n- b\n",
    "mappings of mappings": "x:\n  y: {z: 1}\nv:\n  w: {u: 1}\n",
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_file_gets_one_line_as_well(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)
    assert run(["check", "x.yaml", "--format", "concise", "--no-cache"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert run(["import", "x.yaml"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


OTHERS = {
    "datasets: {a: {uri: 'gs://b'}}\nexample: {schedule: x}\n": "neither `pipeline` nor `tasks`",
    "bq_tasks: []\nschedule_interval: x\nparams: {}\n": "neither `pipeline` nor `tasks`",
    "tasks:\n- {task_id: a, operator: x}\n": "its `tasks` are a list",
    "default_args: {}\ndag_id: x\nconcurrency: 1\ntasks: {a: {}}\n": "are no keys of one",
    "dags: {}\ntasks: {a: {}}\nexecution: {}\n": "`dags` and `execution` are no keys of one",
}


@pytest.mark.parametrize("text", OTHERS)
def test_a_file_without_a_pipeline_is_said_to_be_none_once(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)
    assert run(["check", "x.yaml", "--format", "concise", "--no-cache"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "this file is not a pipeline" in line
    assert OTHERS[text] in line


@pytest.mark.parametrize(
    "text",
    [
        "pipelin: p\ntasks: {a: {type: empty}}\n",
        "tasks: {a: {type: bash, comand: x}}\n",
        "pipeline: p\ntask: {a: {type: empty}}\n",
        "tags: [x]\nshedule: x\ntasks: {a: {type: empty}}\n",
    ],
)
def test_a_pipeline_with_a_misspelt_key_is_one(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.yaml").write_text(text)
    assert run(["check", "x.yaml", "--format", "concise", "--no-cache"]) == 1
    assert "is not a pipeline" not in capsys.readouterr().out
