"""SARIF: the required structure of 2.1.0, places that code scanners can show, and no secret."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from paths import ROOT

from dagfactory import report
from dagfactory.diagnostics import explain
from dagfactory.diagnostics.diagnostic import CODES, Diagnostic, Label
from dagfactory.diagnostics.span import Span
from dagfactory.report import Findings, Style, sarif

SPAN = Span("specs/a b.yaml", 2, 4, 2, 7)
FINDINGS = Findings(
    (
        Diagnostic("DF120", "unknown key `é`", SPAN, help="x", notes=("why",)),
        Diagnostic("DF110", "no place", None, severity="warning"),
        Diagnostic("DF120", "again", SPAN, labels=(Label(SPAN, "here"),)),
        Diagnostic("DF302", "a \u202e secret", Span("specs/a b.yaml", 3, 1, 5, 1), hidden=True),
    )
)
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
POSITIVE = {"type": "integer", "minimum": 1}
PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "message": TEXT,
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation", "region"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "required": ["uri"],
                    "properties": {"uri": {"type": "string"}},
                },
                "region": {
                    "required": ["startLine"],
                    "additionalProperties": False,
                    "properties": dict.fromkeys(
                        ["startLine", "startColumn", "endLine", "endColumn"], POSITIVE
                    ),
                },
            },
        },
    },
}
RESULT = {
    "type": "object",
    "required": ["message", "ruleId", "ruleIndex", "level"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"enum": list(CODES)},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": PLACE},
        "relatedLocations": {"type": "array", "items": PLACE},
    },
}
RULE = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "shortDescription": TEXT,
        "helpUri": {"type": "string", "format": "uri-reference"},
    },
}
LOG = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {"rules": {"items": RULE, "uniqueItems": True}},
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}


@pytest.fixture
def log():
    return json.loads(sarif.text(FINDINGS, Style()))


def test_the_structure_is_that_of_the_standard(log):
    Draft202012Validator(LOG).validate(log)
    Draft202012Validator(LOG).validate(json.loads(sarif.text(Findings(()), Style())))


def test_every_result_points_at_its_rule(log):
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == ["DF110", "DF120", "DF302"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_places_are_one_based_with_the_end_excluded(log):
    first, second, third, fourth = log["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/a%20b.yaml"
    expected = {"startLine": 2, "startColumn": 4, "endLine": 2, "endColumn": 7}
    assert place["region"] == expected
    assert "locations" not in second
    assert third["relatedLocations"][0]["message"]["text"] == "here"
    assert fourth["message"]["text"] == "a <U+202E> secret"


def test_help_is_a_heading_of_the_manual():
    headings = re.findall(
        r"^## (.+)$", explain.document("errors.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    anchors = {f"docs/errors.md#{each.lower().replace(' ', '-')}" for each in headings}
    assert {sarif.anchor(code) for code in CODES} <= anchors
    assert (ROOT / sarif.MANUAL).is_file()


def test_json_lines_are_one_finding_each():
    lines = report.load_format("jsonl").text(FINDINGS, Style()).splitlines()
    rows = [json.loads(each) for each in lines]
    whole = json.loads(report.load_format("json").text(FINDINGS, Style()))
    assert {each.pop("schema_version") for each in rows} == {whole["schema_version"]}
    assert rows == whole["findings"]


@pytest.mark.parametrize("name", report.formats())
@pytest.mark.parametrize("beside", [(), (Diagnostic("DF120", "beside it", Span("s", 1, 1, 1, 2)),)])
def test_no_format_shows_a_secret(name, beside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s").write_text("a: first-part\n  second-part\n  third-part # no secret\n")
    secret = Diagnostic("DF302", "a secret", Span("s", 1, 4, 3, 13), hidden=True)
    text = report.load_format(name).text(Findings((*beside, secret)), Style())
    assert not re.search("first|second|third", text)


def test_the_rest_of_the_line_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s").write_text("env: {KEY: hunter22}  # plain\n")
    secret = Diagnostic("DF302", "a secret", Span("s", 1, 12, 1, 20), hidden=True)
    text = report.load_format("human").text(Findings((secret,)), Style())
    assert "1 | env: {KEY: ********}  # plain\n" in text
