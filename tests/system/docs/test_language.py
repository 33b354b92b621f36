"""docs/language.md is current, its examples compile, and what it says they render to is in the file."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from pages import fences
from paths import ROOT

from dagfactory import tasks
from dagfactory.compiler.build import build
from dagfactory.diagnostics.source import decode
from dagfactory.document.load import load
from dagfactory.language.condition import parse
from dagfactory.language.duration import parse_duration
from tools.language_doc.page import ENVIRONMENT, OUTPUTS, PAGE, SECTIONS, examples, updated

TEXT = PAGE.read_text(encoding="utf-8")
SHOWN = fences(PAGE)


def table(header):
    """Return the cells of the rows below a table's header, without backquotes."""
    rows = TEXT.split(header, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("| ").split(" | ")] for row in rows]


def rendered(text, folder):
    shutil.copytree(ROOT / "specs", folder / "specs")
    path = folder / "specs" / "example.yaml"
    path.write_text(text, encoding="utf-8")
    built = build([path], ENVIRONMENT)
    return built.diagnostics, built.bundle and "".join(built.bundle.dags.values())


def test_the_page_is_current():
    assert updated(TEXT) == TEXT, "run `make docs`"


def test_a_stale_table_is_made_anew():
    stale = TEXT.replace("| `attempts` | ", "| `tries` | ")
    assert stale != TEXT
    assert updated(stale) == TEXT


@pytest.mark.parametrize("text", examples(TEXT), ids=lambda text: text.split()[1])
def test_an_example_compiles_without_a_finding(text, tmp_path):
    found, dags = rendered(text, tmp_path)
    assert found == []
    compile(dags, "example.py", "exec")


def test_every_yaml_block_is_a_whole_pipeline():
    assert [each.text for each in SHOWN if each.info == ("yaml",)] == examples(TEXT)


PAIRS = [
    (before.text, after.text) for before, after in pairwise(SHOWN) if after.info == ("python",)
]


@pytest.mark.parametrize(("spec", "lines"), PAIRS)
def test_the_python_below_an_example_is_what_it_renders_to(spec, lines, tmp_path):
    _, dags = rendered(spec, tmp_path)
    flat = re.sub(r"\s+", "", dags)
    for line in lines.splitlines():
        wanted = re.sub(r"\s+", "", line)
        assert wanted in flat or wanted.rstrip(",") in flat, f"not in the file: {line}\n{dags}"


@pytest.mark.parametrize("name", tasks.types())
def test_every_type_has_a_section_with_an_example_keys_and_outputs(name):
    found = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/language.md has no section `{name}`"
    section = found[1]
    assert f"type: {name}" in section
    assert f"<!-- keys: {name} -->" in section
    assert f"<!-- outputs: {name} -->" in section
    assert f"[`{name}`](#{name})" in TEXT


@pytest.mark.parametrize("name", SECTIONS)
def test_every_other_model_has_its_table(name):
    assert f"<!-- keys: {name} -->" in TEXT


def test_every_key_has_a_description():
    rows = re.findall(r"^\| `\S+` \| .* \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) > 120
    assert all(rows)


def test_no_output_is_described_that_no_type_has():
    shown = set(re.findall(r"^\| `\$\{tasks\.\w+\.([a-z_]+)", TEXT, re.MULTILINE))
    assert shown == set(OUTPUTS)


@pytest.mark.parametrize(("written", "value"), table("| written | is |\n"))
def test_values_are_read_as_the_page_says(written, value):
    node, problems = load(decode(f"x: {written}\n".encode(), "x.yaml"))
    assert problems == []
    assert node.plain()["x"] == json.loads(value)


@pytest.mark.parametrize(("written", "seconds"), table("| duration | seconds |\n"))
def test_durations_are_read_as_the_page_says(written, seconds):
    assert parse_duration(written).total_seconds() == int(seconds)


@pytest.mark.parametrize("condition", [row[0] for row in table("| condition | with |\n")])
def test_conditions_can_be_read(condition):
    assert parse(condition)


def test_the_defaults_of_retries_are_those_of_the_page(tmp_path):
    (tmp_path / "specs").mkdir()
    path = tmp_path / "specs" / "bare.yaml"
    path.write_text("pipeline: bare\ntasks:\n  a: {type: empty}\n")
    (dag,) = build([path], None).bundle.dags.values()
    assert '"retries": 2,' in dag
    assert '"retry_delay": timedelta(minutes=5),' in dag
    assert '"max_retry_delay": timedelta(hours=1),' in dag


def test_links_lead_somewhere():
    slugs = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, anchor = target.partition("#")
        assert (Path(PAGE).parent / file).exists()
        assert file or anchor in slugs, target
