"""`dagfactory schema`: what editors are told is what the compiler says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from paths import ROOT

from dagfactory.__main__ import run
from dagfactory.authoring.schema import schema
from dagfactory.diagnostics.source import decode, read
from dagfactory.document.load import load
from dagfactory.project.specs import find_specs
from dagfactory.tasks import types

SPECS = find_specs([ROOT / "specs"])
VALID = jsonschema.Draft7Validator(schema())


def faults(text: str) -> list[str]:
    node, problems = load(decode(text.encode(), "x"))
    assert node, problems
    return [error.message for error in VALID.iter_errors(node.plain())]


def test_the_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_our_specs_follow_it(path: Path) -> None:
    node, _ = load(read(path))
    assert [error.message for error in VALID.iter_errors(node.plain())] == []


def fields(value, place=""):
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, item in value.get("properties", {}).items():
            yield f"{place}/{key}", item
        for key, item in value.items():
            yield from fields(item, f"{place}/{key}")


def test_every_key_is_described() -> None:
    made = schema()
    conditions = [place for place, _ in fields(made) if "/if/" in place]
    bare = [place for place, item in fields(made) if not item.get("description")]
    assert bare == conditions
    assert len(conditions) == len(types())


def shows_a_value(item) -> bool:
    """Whether an editor can show what is written here: an example, a default, or what may stand there."""
    parts = (part for key in ("anyOf", "oneOf", "allOf") for part in item.get(key, ()))
    own = any(key in item for key in ("examples", "default", "enum", "const", "$ref", "items"))
    own = own or item.get("type") == "null"  # it may be left out
    return own or any(map(shows_a_value, parts))


def test_every_key_shows_a_value() -> None:
    bare = [place for place, item in fields(schema()) if not shows_a_value(item)]
    bare.remove("/definitions/Param/default")  # any value
    assert [place for place in bare if not re.search("/(if|environments)/", place)] == []


def test_every_example_follows_the_schema() -> None:
    made = schema()
    shown = [(item, example) for _, item in fields(made) for example in item.get("examples", ())]
    assert len(shown) > 100
    for item, example in shown:
        here = jsonschema.Draft7Validator({**item, "definitions": made["definitions"]})
        assert [error.message for error in here.iter_errors(example)] == [], item


@pytest.mark.parametrize(
    "text",
    [
        "tasks: {a: {type: bash, command: x, pool_slots: '${vars.n}', after: '${vars.l}'}}",
        "tasks: {a: {type: train, machine: '${vars.m}', args: '${vars.a}', restart: '${vars.r}'}}",
        "tasks: {g: {type: group, tasks: {b: {type: gate, metrics: m, when: a > 1, then: x}}}}",
        "tasks: {a: {type: train, machine: {type: x, replicas: '${vars.n}'}}}",
        "schedule: '@daily'\ntasks: {a: {type: empty, trigger_rule: '${vars.rule}'}}",
    ],
)
def test_what_is_right_is_not_marked(text: str) -> None:
    assert faults(f"pipeline: p\n{text}\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "taks: {}\ntasks: {a: {type: empty}}",
        "tasks: {a: {type: bsh}}",
        "tasks: {a: {command: x}}",
        "tasks: {a: {type: bash}}",
        "tasks: {a: {type: bash, command: x, comand: y}}",
        "tasks: {a: {type: bash, command: x, pool_slots: two}}",
        "tasks: {a: {type: empty, trigger_rule: sometimes}}",
        "tasks: {g: {type: group, tasks: {b: {type: bash}}}}",
        "tasks: {A-b: {type: empty}}",
        "params: {a b: {type: string}}\ntasks: {a: {type: empty}}",
    ],
)
def test_what_is_wrong_is_marked(text: str) -> None:
    assert faults(f"pipeline: p\n{text}\n")


def test_the_committed_file_is_current(monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["schema", "--check"]) == 0, capsys.readouterr().err


def test_another_file_is_checked_and_written(tmp_path, capsys) -> None:
    path = tmp_path / "deep/schema.json"
    assert run(["schema", "--check", "--out", str(path)]) == 1
    assert (
        f"does not exist; write it with `dagfactory schema pipeline --out {path}`"
        in capsys.readouterr().err
    )
    assert not path.exists()
    assert run(["schema", "--out", str(path)]) == 0
    assert run(["schema", "--check", "--out", str(path)]) == 0
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(path.read_text())


def test_a_place_that_cannot_be_written_is_one_plain_line(capsys) -> None:
    assert run(["schema", "--out", "/proc/nowhere/x.json"]) == 4
    assert capsys.readouterr().err.startswith("error: ")
