"""docs/errors.md is true: every example fails with its code, and with it alone, until repaired."""

import re

import planted
import pytest
from paths import ROOT

from dagfactory.compiler.check import check_specs
from dagfactory.diagnostics.diagnostic import CODES, DagfactoryError
from dagfactory.diagnostics.explain import (
    document,
    explanation,
    index,
    of_the_language,
    sections,
)

FENCE = re.compile(r"^```yaml (\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Found only when files are compiled together; tests/test_compile.py has its example.
TOGETHER = {"DF213"}


# Lines of the environments' files by an example's option.
def examples(code):
    return {kind: (option, text) for kind, option, text in FENCE.findall(sections()[code])}


def codes_of(folder, option, text):
    folder.mkdir()
    if option != "bare":
        (folder / "environments").mkdir()
        for name in ("dev", "prod"):
            fields = f"project: demo-{name}\nregion: us-central1\nbucket: gs://demo-{name}\n"
            fields += planted.fields(name, {option})
            (folder / "environments" / f"{name}.yaml").write_text(f"environment: {name}\n{fields}")
    if option == "code":
        planted.write_code(folder)
    path = folder / "spec.yaml"
    path.write_text(text, encoding="latin-1" if option == "latin-1" else "utf-8")
    return {each.code for each in check_specs([path], None).diagnostics}


@pytest.mark.parametrize("code", sorted(CODES.keys() - TOGETHER))
def test_the_example_fails_and_its_repair_does_not(code, tmp_path):
    found = examples(code)
    assert codes_of(tmp_path / "fails", *found["fails"]) == {code}
    assert codes_of(tmp_path / "repaired", *found["repaired"]) == set()


def test_every_code_has_its_section_in_order():
    assert list(sections()) == list(CODES)
    for code, text in sections().items():
        assert text.startswith(f"## {code} {CODES[code].name}\n")


def test_lines_fit_a_terminal():
    prose = FENCE.sub("", document("errors.md").read_text(encoding="utf-8"))
    assert max(map(len, prose.splitlines())) <= 120


def test_explanations_are_found_in_any_case():
    assert explanation("df120") == sections()["DF120"]


def test_an_unknown_code_is_suggested():
    with pytest.raises(DagfactoryError, match="no code `DF1200`; did you mean `DF120`"):
        explanation("DF1200")


def test_the_index_lists_all_codes():
    assert [line.split()[0] for line in index().splitlines()] == list(CODES)


def test_names_are_unique_and_speak():
    names = [each.name for each in CODES.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_types_of_tasks_and_keys_are_explained_with_their_table_and_an_example():
    found = of_the_language()
    types = {each.stem for each in (ROOT / "dagfactory/tasks").glob("[!_]*.py")}
    assert types <= set(found)
    assert explanation("Upload_Model").startswith("### `upload_model`\n")
    assert "| `artifact` |" in explanation("upload_model")
    assert explanation("for_each").count("### `for_each`") == 2
    with pytest.raises(DagfactoryError, match="did you mean `upload_model`"):
        explanation("uplod_model")
