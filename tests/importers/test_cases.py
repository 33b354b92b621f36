"""Each case is a dag-factory file with the specs and remarks that must come of it."""

import os
import re
from pathlib import Path

import pytest

from dagfactory.diagnostics.source import SourceFile, read
from dagfactory.document.load import load
from dagfactory.importers import Options, Source, importer

CASES = Path(__file__).parent / "cases"
NAMES = sorted(each.stem for each in CASES.glob("*.yml"))


def result(name):
    source = read(CASES / f"{name}.yml", f"{name}.yml")
    assert isinstance(source, SourceFile)
    return importer("dag_factory").read([Source(source)], Options())[0]


def written(name):
    found = result(name)
    parts = [each.line() + "\n" for each in found.remarks]
    for each in found.outcomes:
        parts.append(f"=== {each.dag} -> {each.pipeline}\n{each.text or ''}")
        parts += [remark.line() + "\n" for remark in each.remarks]
    return "".join(parts)


@pytest.mark.parametrize("name", NAMES)
def test_the_import_is_as_written_down(name):
    expected = CASES / f"{name}.out"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(written(name), encoding="utf-8")
    assert written(name) == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_out_without_a_remark_that_has_a_place(name):
    found = result(name)
    for outcome in found.outcomes:
        assert all(each.span and each.span.line for each in outcome.remarks)
        if outcome.text is None:
            assert any(each.severity == "error" for each in outcome.remarks)


@pytest.mark.parametrize("name", NAMES)
def test_every_todo_of_a_spec_is_a_remark(name):
    for outcome in result(name).outcomes:
        todo = re.findall(r"^ *# TODO (.+)$", outcome.text or "", re.MULTILINE)
        assert set(todo) <= {each.message for each in outcome.remarks}


@pytest.mark.parametrize("name", NAMES)
def test_specs_load_without_a_word(name):
    for outcome in result(name).outcomes:
        if outcome.text:
            _, problems = load(SourceFile("spec.yaml", outcome.text))
            assert problems == []


def test_there_are_enough_cases():
    assert len(NAMES) >= 25
