import io
import json

import pytest

from dagfactory import report
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Span
from dagfactory.report import Findings, Style

SPAN = Span("specs/a,b.yaml", 2, 4, 2, 7)
FINDING = Diagnostic(
    "DF120",
    "unknown key `é`",
    SPAN,
    help="100% sure: `x`",
    notes=("why",),
    labels=(Label(Span("g.yaml", 1, 1, 1, 2), "here"),),
)
WARNING = Diagnostic("DF102", "two\nlines", None, severity="warning")
FINDINGS = Findings((FINDING, WARNING), specs=1, tasks=3, seconds=0.141)


def written(name, style=None):
    return report.load_format(name).text(FINDINGS, style or Style())


def test_formats_are_found_by_listing_the_package():
    assert {"concise", "github", "human", "json"} <= set(report.formats())
    for name in report.formats():
        assert report.load_format(name).text(Findings(()), Style()) is not None


def test_concise_has_one_line_per_finding():
    assert written("concise").splitlines() == [
        "specs/a,b.yaml:2:4: error[DF120]: unknown key `é` (100% sure: `x`)",
        "warning[DF102]: two<U+000A>lines",
    ]


def test_github_escapes_what_its_commands_use():
    first, second = written("github").splitlines()
    assert first == (
        "::error file=specs/a%2Cb.yaml,line=2,endLine=2,col=4,endColumn=6,"
        "title=DF120 unknown-key::unknown key `é`%0Ahelp: 100%25 sure: `x`%0Awhy"
    )
    assert second.startswith("::warning title=DF102 yaml-syntax::two")


def test_github_has_no_columns_for_a_range_of_lines():
    found = Findings((Diagnostic("DF120", "x", Span("a", 1, 2, 3, 4)),))
    line = report.load_format("github").text(found, Style())
    assert line == "::error file=a,line=1,endLine=3,title=DF120 unknown-key::x\n"


def test_json_is_versioned_and_complete():
    found = json.loads(written("json"))
    assert (found["schema_version"], found["errors"], found["warnings"]) == (1, 1, 1)
    assert (found["specs"], found["tasks"]) == (1, 3)
    first, second = found["findings"]
    assert first["name"] == "unknown-key"
    assert first["place"] == {
        "file": "specs/a,b.yaml",
        "line": 2,
        "column": 4,
        "end_line": 2,
        "end_column": 7,
    }
    assert first["labels"][0]["text"] == "here"
    assert second["place"] is None


@pytest.mark.parametrize("name", ["concise", "github", "human", "json"])
def test_every_format_can_be_written_where_there_is_only_ascii(name):
    assert written(name, Style(encoding="ascii")).isascii()


def test_summary_counts():
    assert (
        report.summary(FINDINGS, Style()) == "checked 1 spec, 3 tasks: 1 error, 1 warning in 0.14 s"
    )
    clean = Findings((), specs=1200, tasks=1)
    assert report.summary(clean, Style()) == "checked 1,200 specs, 1 task: 0 errors in 0.00 s"
    many = Findings((), specs=2, sweeps=("a: search: 2 trials", "b: search: 3 trials"))
    assert report.summary(many, Style(limit=1)).splitlines() == [
        "a: search: 2 trials",
        "… and 1 sweep more",
        "checked 2 specs, 0 tasks: 0 errors in 0.00 s",
    ]


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "color"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_follows_the_terminal_and_the_environment(stream, environ, color):
    assert report.style_for(stream, environ).color is color


def test_annotations_are_the_default_inside_github():
    assert report.choose_format({"GITHUB_ACTIONS": "true"}) == "github"
    assert report.choose_format({}) == "human"
