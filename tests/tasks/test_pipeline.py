"""`pipeline`: a compiled pipeline is checked, packed under its content, and offers its outputs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from paths import ROOT

from dagfactory.compiler.bundle.sidecars import sidecars
from dagfactory.compiler.compile import compile_spec

TEMPLATE = (ROOT / "tests/runtime/templates/evaluation.yaml").read_text()
ALIASES = "\n".join(f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))
BOMB = f"a: &a0 [x, x]\n{ALIASES}\nroot: {{dag: {{x: *a29}}}}\n"
IT = "type: pipeline\ntemplate: evaluation.yaml\n"


@pytest.fixture
def template(tmp_path: Path) -> Any:
    """Write the template of the project."""

    def write(text: str = TEMPLATE) -> None:
        (tmp_path / "specs").mkdir(exist_ok=True)
        (tmp_path / "specs/evaluation.yaml").write_text(text)

    write()
    return write


def codes(compiled: Any, body: str) -> list[tuple[str, str]]:
    return [(each.code, each.message) for each in compiled(body).diagnostics]


@pytest.mark.usefixtures("template")
def test_it_is_one_operator_and_a_file_of_the_bundle(compiled, lowered):
    body = (
        IT
        + "params: {model: m, limit: '${tasks.before.result}'}\ncaching: false\nfailure_policy: fast"
    )
    made = lowered(body).arguments
    (path, content), *_ = (
        item for item in sidecars(compiled(body).plan).items() if item[0].endswith("pipeline.json")
    )
    assert re.fullmatch(r"dagfactory_package_[0-9a-f]{12}/pipeline.json", path)
    assert json.loads(content)["pipelineInfo"] == {"name": "evaluation"}
    assert made["template"].endswith(f"/{path}")
    assert made["parameters"]["model"] == "m"
    assert "xcom_pull(task_ids='before')" in made["parameters"]["limit"]
    assert (made["caching"], made["failure_policy"]) == (False, "PIPELINE_FAILURE_POLICY_FAIL_FAST")
    assert made["root"].endswith("/{{ run_id }}/it")


def test_a_changed_template_is_another_file(template, lowered):
    first = lowered(IT + "params: {model: m}").arguments["template"]
    template(TEMPLATE.replace("python:3.11-slim", "python:3.12-slim"))
    assert lowered(IT + "params: {model: m}").arguments["template"] != first
    template(json.dumps(yaml.safe_load(TEMPLATE)))
    assert lowered(IT + "params: {model: m}").arguments["template"] == first


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ("params: {modle: m, model: m}", "DF358", "the pipeline takes no parameter `modle`"),
        ("params: {limit: 1}", "DF358", "the pipeline needs the parameter `model`"),
        ("", "DF358", "the pipeline needs the parameter `model`"),
        ("params: {model: null}", "DF358", "the pipeline needs the parameter `model`"),
        ("params: {model: m, limit: high}", "DF358", "`high` is not a number"),
        ("params: {model: m, limit: '1'}", "DF358", "`1` is not a number"),
        ("params: {model: m, limit: true}", "DF358", "`True` is not a number"),
        ("params: {model: m, steps: 1.5}", "DF358", "`1.5` is not a whole number"),
        ("params: {model: m, deep: 1}", "DF358", "`1` is not true or false"),
        ("params: {model: m, tags: {a: 1}}", "DF358", "`{'a': 1}` is not a list"),
        ("params: {model: m, more: [1]}", "DF358", "`[1]` is not a mapping"),
    ],
)
def test_parameters_that_it_does_not_take(compiled, more, code, message):
    assert codes(compiled, IT + more) == [(code, message)]


@pytest.mark.usefixtures("template")
@pytest.mark.parametrize(
    "params",
    [
        "{model: m}",
        "{model: 7}",
        "{model: '${params.x}', limit: '{{ params.x }}', steps: null}",
        "{model: m, limit: 1, steps: 3.0, deep: true, tags: [], more: {}}",
    ],
)
def test_what_it_takes_is_silent(compiled, params):
    assert (
        compiled(IT + f"params: {params}", params="{x: {type: integer, default: 1}}").diagnostics
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "from kfp import dsl\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n",
        "root: {executorLabel: x}",
        "root: [dag]",
        "{",
        "root: {dag: {}, outputDefinitions: 3}",
        "root: {dag: {}, inputDefinitions: {parameters: {a: 2026-01-01}}}",
        BOMB,
        f"{TEMPLATE}---\nplatforms: {{kubernetes: {{}}}}\n",
    ],
)
def test_what_is_no_compiled_pipeline(compiled, template, text):
    template(text)
    ((code, message),) = codes(compiled, IT)
    assert code == "DF357"
    assert message.startswith("`evaluation.yaml` is not a compiled pipeline: it ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("type: pipeline\ntemplate: evaluation.yml", "DF230"),
        ("type: pipeline\ntemplate: ../../evaluation.yaml", "DF230"),
        ("type: pipeline\ntemplate: https://us-kfp.pkg.dev/p/r/t/v1", "DF123"),
    ],
)
def test_templates_that_cannot_be_read(compiled, body, code):
    assert [each for each, _ in codes(compiled, body)] == [code]


def test_of_a_template_in_a_bucket_nothing_is_known(lowered):
    made = lowered("type: pipeline\ntemplate: gs://b/t.yaml\nparams: {any: 1}").arguments
    assert made["template"] == "gs://b/t.yaml"


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("outputs.Output", None),
        ("metrics", None),
        ("job", None),
        ("outputs.Outptu", "`it` (pipeline) has no output `outputs.Outptu`"),
        ("outputs", "`${tasks.it.outputs}` is incomplete"),
    ],
)
@pytest.mark.usefixtures("template")
def test_its_outputs_are_those_that_it_declares(tmp_path, compiled, reference, found):
    compiled(IT + "params: {model: m}")
    spec = tmp_path / "specs/demo.yaml"
    spec.write_text(
        spec.read_text() + f"  says: {{type: bash, command: 'echo ${{tasks.it.{reference}}}'}}\n"
    )
    errors = [each for each in compile_spec(spec, "test").diagnostics if each.code == "DF204"]
    assert [each.message for each in errors] == ([found] if found else [])


@pytest.mark.usefixtures("template")
def test_the_page_is_true(tmp_path, compiled):
    page = (ROOT / "docs/pipelines.md").read_text()
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    compiled(IT)
    (tmp_path / "specs/pipelines").mkdir()
    (tmp_path / "specs/pipelines/evaluation.yaml").write_text(TEMPLATE)
    spec = tmp_path / "specs/nightly.yaml"
    spec.write_text(text)
    assert compile_spec(spec, "test").diagnostics == []
