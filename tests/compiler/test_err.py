"""Wrong specs with the exact report they must give: tests/err/NAME.yaml and NAME.out.

A comment `#   ^` below a line says in which column of it the primary caret of a finding stands;
`# ^4:2` says the line and column in figures. Both are checked against the findings themselves,
not against the .out file. `# with FILE` checks another file together with the spec. With
DAGFACTORY_UPDATE=1 the .out files are written anew.
"""

import os
import re
from pathlib import Path

import pytest
from paths import TESTS

from dagfactory.compiler.check import check_specs
from dagfactory.diagnostics.diagnostic import CODES
from dagfactory.project import code
from dagfactory.project.specs import find_specs
from dagfactory.report import Style, human

FOLDER = TESTS / "err"
CASES = sorted(FOLDER.rglob("*.out"))
MARK = re.compile(r"^#\s*\^(?:(\d+):(\d+))?\s*$")
WITH = re.compile(r"^# with (\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _in_folder(monkeypatch):
    monkeypatch.chdir(FOLDER)
    # so that a package that is too large is none that this repository would have to hold
    monkeypatch.setattr(code, "MOST_FILES", 4)


def spec_of(case):
    return case.with_suffix(".yaml").relative_to(FOLDER)


def findings_of(case):
    others = WITH.findall(text_of(case))
    return check_specs([*map(Path, others), spec_of(case)], None)


def text_of(case):
    return case.with_suffix(".yaml").read_bytes().decode(errors="replace")


def marks(text):
    """Return the places (line, column) that the comments of a spec point at."""
    found, last = [], 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        mark = MARK.match(line)
        if mark is None:
            last = number
        elif mark[1]:
            found.append((int(mark[1]), int(mark[2])))
        else:
            found.append((last, line.index("^") + 1))
    return sorted(found)


@pytest.mark.parametrize("case", CASES, ids=lambda case: spec_of(case).stem)
def test_report_is_exactly_this(case):
    report = human.text(findings_of(case), Style(limit=0))
    if os.environ.get("DAGFACTORY_UPDATE") == "1":
        case.write_text(report, encoding="utf-8")
    assert report == case.read_text(encoding="utf-8")
    assert max(map(len, report.splitlines())) <= 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: spec_of(case).stem)
def test_carets_stand_where_the_comments_say(case):
    expected = marks(text_of(case))
    found = findings_of(case).diagnostics
    places = sorted((each.span.line, each.span.column) for each in found if each.span)
    assert expected, "a case needs at least one `#   ^` comment"
    assert places == expected


JARGON = re.compile(
    r"Input should|valid (?:dictionary|list|string)|NoneType|union|pydantic|extra_forbidden|\bstr\b"
    r"|\bint\b|\bdict\b|instance of|literal|\bfield required|Value error",
    re.IGNORECASE,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: spec_of(case).stem)
def test_messages_are_in_plain_words(case):
    for each in findings_of(case).diagnostics:
        said = " ".join([each.message, each.help or "", *each.notes])
        words = re.sub("`[^`]*`", "", said)
        assert not JARGON.search(words), words
        assert not each.message.endswith(".")


def test_every_case_is_a_pair():
    specs = set(find_specs([FOLDER]))
    assert specs == {each.with_suffix(".yaml") for each in CASES}
    assert len(CASES) >= 120


def test_every_code_has_a_case():
    found = {each.code for case in CASES for each in findings_of(case).diagnostics}
    assert found == set(CODES)


def test_five_mistakes_are_five_findings_of_one_run():
    found = findings_of(FOLDER / "five_mistakes.out").diagnostics
    assert [each.code for each in found] == ["DF120", "DF123", "DF124", "DF122", "DF125"]
