"""The committed schema in the engine of vscode-yaml: right specs are not marked, wrong ones are.

Needs node and `npm install yaml-language-server` somewhere, with NODE_PATH pointing at its node_modules.
"""

import json
import os
import shutil
from pathlib import Path

import processes
import pytest
from paths import ROOT

from dagfactory.project.specs import find_specs

SCRIPT = Path(__file__).with_name("validate.js")


@pytest.fixture(scope="module")
def validate():
    modules = Path(os.environ.get("NODE_PATH", "node_modules"))
    node = shutil.which("node")
    if node is None or not (modules / "yaml-language-server").is_dir():
        pytest.skip(
            "no yaml-language-server: `npm install yaml-language-server`, then set NODE_PATH"
        )

    def run(*files):
        command = [node, SCRIPT, ROOT / "schema/pipeline.schema.json", *files]
        environment = os.environ | {"NODE_PATH": str(modules.resolve())}
        result = processes.run(command, env=environment, capture_output=True, check=True)
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


def test_the_projects_specs_are_not_marked(validate):
    specs = find_specs([ROOT / "specs"])
    results = validate(*specs)
    assert [each["findings"] for each in results] == [[]] * len(specs)
    assert all("the tasks by id" in each["hover"] for each in results)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("{type: bsh, command: x}", "Value is not accepted"),
        ("{type: bash, comand: y}", "Property comand is not allowed"),
        ("{type: bash}", "Missing property"),
        ("{type: train, module: m, machine: {type: n1-standard-4, provisioning: sopt}}", "spot"),
    ],
)
def test_a_mistake_is_marked(validate, tmp_path, task, said):
    (tmp_path / "p.yaml").write_text(f"pipeline: p\ntasks:\n  a: {task}\n")
    (result,) = validate(tmp_path / "p.yaml")
    assert any(each.startswith("3: ") and said in each for each in result["findings"]), result
