"""Texts nobody should write: the front end answers each with findings, never with an exception."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import CORPORA
from size import size

from dagfactory.compiler.compile import front_end
from dagfactory.compiler.parse import parse
from dagfactory.compiler.resolve.layers import Layers, resolve
from dagfactory.compiler.validate.messages import not_a_mapping
from dagfactory.compiler.validate.validate import validate
from dagfactory.diagnostics.source import SourceFile, Sources
from dagfactory.document.load import _Builder
from dagfactory.report import Findings, Style, formats, load_format

BLNS = CORPORA / "blns" / "blns.json"
PIECES = [
    *(
        "a",
        "tasks",
        "type",
        "empty",
        "pipeline",
        "p",
        "1",
        "1e-4",
        "~",
        "true",
        "é",
        "😀",
        "\u202e",
    ),
    *(": ", ":", "- ", "\n", "\n  ", "\n    ", "\r\n", "\t", " ", " #", "{", "}", "[", "]", ","),
    *("'", '"', "|", ">-", "&a ", "*a", "!!str ", "%", "---\n", "...\n", "<<", "? ", "\\", "\\u00"),
    *("${", "${vars.a}", "${env.b}", "$${", "${tasks.a.b}", "{{ ds }}", "vars", "defaults"),
]


@pytest.mark.parametrize("parser", [yaml.CSafeLoader, yaml.SafeLoader])
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(max_examples=size(400, 20_000), deadline=None)
def test_any_text_gives_a_pipeline_or_findings(parser, text):
    builder = _Builder(SourceFile("f", text), parser)
    node, problems = builder.run(), builder.problems
    pipeline = None
    if node is not None:
        if isinstance(node.value, dict):
            node, resolving = resolve(Layers(node))
            pipeline, validating = validate(node)
        else:
            resolving, validating = [], [not_a_mapping(node, ())]
        problems = [*problems, *resolving, *validating]
    assert problems or pipeline
    findings = Findings(tuple(problems), Sources((SourceFile("f", text),)))
    for name in formats():
        report = load_format(name).text(findings, Style(color=True, limit=0))
        assert "\u202e" not in report or name == "json"


def test_naughty_strings_in_every_place(tmp_path, monkeypatch):
    if not BLNS.exists():
        pytest.skip(f"the corpora are not on this machine: there is no {BLNS}")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "spec.yaml"
    for text in json.loads(BLNS.read_text()):
        path.write_text(
            json.dumps(
                {
                    "pipeline": text,
                    "description": text,
                    "schedule": text,
                    "timeout": text,
                    text or "empty": text,
                    "vars": {"v": text},
                    "tags": [text, "${vars.v}"],
                    "tasks": {text or "a": {"type": text, "after": [text]}},
                }
            )
        )
        found = front_end(parse(path, None), None)
        assert found.diagnostics
        assert all(len(each.message) <= 200 for each in found.diagnostics)
