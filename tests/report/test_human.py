import pytest

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.source import SourceFile, Sources
from dagfactory.diagnostics.span import Span
from dagfactory.report import Findings, Style
from dagfactory.report.human import text


def report(source, span, style=None, **others):
    diagnostic = Diagnostic("DF123", others.pop("message", "wrong"), span, **others)
    sources = Sources((SourceFile("f.yaml", source),))
    return text(Findings((diagnostic,), sources), style or Style())


def caret_line(source, line, column, end, style=None):
    lines = report(source, Span("f.yaml", line, column, line, end), style).splitlines()
    return lines[3], lines[4]


def test_anatomy():
    span = Span("f.yaml", 2, 4, 2, 7)
    label = Label(Span("f.yaml", 1, 1, 1, 2), "because of this")
    found = report("a: 1\nb: two\n", span, help="do that", notes=("why",), labels=(label,))
    assert found == (
        "error[DF123]: wrong\n"
        "  --> f.yaml:2:4\n"
        "  |\n"
        "1 | a: 1\n"
        "  | - because of this\n"
        "2 | b: two\n"
        "  |    ^^^\n"
        "  = help: do that\n"
        "  = note: why\n"
    )


@pytest.mark.parametrize(
    ("line", "column", "end", "under"),
    [
        ("a: xyz", 4, 7, "   ^^^"),
        ("東京: xyz", 5, 8, "      ^^^"),
        ("a: 東京 b", 4, 6, "   ^^^^"),
        ("e\u0301: x", 5, 6, "   ^"),
        ("a: 😀x", 5, 6, "     ^"),
        ("👩\u200d💻: x", 6, 7, "      ^"),
        ("a:\tx", 4, 5, "      ^"),
        ("a:", 3, 3, "  ^"),
        ("a: x", 4, 4, "   ^"),
    ],
)
def test_carets_stand_under_wide_and_combining_characters(line, column, end, under):
    assert caret_line(line, 1, column, end)[1] == f"  | {under}"


def test_a_span_over_several_lines_is_underlined_to_the_end_of_its_first():
    found = report("a: [1,\n 2]\n", Span("f.yaml", 1, 4, 2, 4)).splitlines()
    assert found[3:5] == ["1 | a: [1,", "  |    ^^^"]


@pytest.mark.parametrize("column", [1, 50, 95, 100, 150, 290])
def test_long_lines_are_cut_around_the_caret(column):
    line = "".join(chr(ord("a") + n % 26) for n in range(299))
    shown, under = caret_line(line, 1, column, column + 3)
    assert max(len(shown), len(under)) <= 100
    start = under.index("^")
    assert shown[start : start + 3] == line[column - 1 : column + 2]


def test_everything_fits_in_the_width():
    span = Span("f.yaml", 1, 1, 1, 500)
    words = "many words " * 40
    found = report("x" * 500, span, message=words, help=words, notes=(words,))
    assert max(map(len, found.splitlines())) <= 100


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("a: \x1b[31mred", "a: <U+001B>[31mred"),
        ("a: \u202egnp", "a: <U+202E>gnp"),
        ("a: x\u200by", "a: x<U+200B>y"),
    ],
)
def test_what_a_terminal_would_obey_is_made_visible(line, shown):
    found = report(line, Span("f.yaml", 1, 1, 1, 2), message=line)
    assert found.splitlines()[0] == f"error[DF123]: {shown}"
    assert found.splitlines()[3] == f"1 | {shown}"


def test_what_the_encoding_lacks_is_escaped_and_the_caret_follows():
    style = Style(encoding="ascii")
    shown, under = caret_line("é: x", 1, 4, 5, style)
    assert shown == "1 | <U+00E9>: x"
    assert shown[under.index("^")] == "x"
    long = "é" * 200
    assert report(long, Span("f.yaml", 1, 1, 1, 2), style).isascii()


def test_colour_is_only_added():
    span = Span("f.yaml", 1, 1, 1, 2)
    colored = report("a: 1", span, Style(color=True), help="x")
    plain = report("a: 1", span, help="x")
    assert "\x1b[1;31m" in colored
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_a_finding_without_place_or_file_is_still_told():
    assert report("", None) == "error[DF123]: wrong\n"
    gone = Diagnostic("DF123", "wrong", Span("gone.yaml", 1, 1, 1, 2))
    assert text(Findings((gone,)), Style()) == "error[DF123]: wrong\n  --> gone.yaml:1:1\n"


def test_a_label_in_another_file_has_its_own_arrow():
    label = Label(Span("g.yaml", 12, 1, 12, 2), "here")
    diagnostic = Diagnostic("DF123", "wrong", Span("f.yaml", 1, 1, 1, 2), labels=(label,))
    sources = Sources((SourceFile("f.yaml", "a: 1"), SourceFile("g.yaml", "\n" * 11 + "b: 2")))
    found = text(Findings((diagnostic,), sources), Style())
    assert "   --> f.yaml:1:1\n" in found
    assert "   ::: g.yaml:12:1\n" in found
    assert "12 | b: 2\n   | - here\n" in found


def test_the_list_is_limited_and_says_so():
    many = tuple(Diagnostic("DF123", f"wrong {n}", None) for n in range(30))
    assert text(Findings(many), Style()).endswith("and 10 more; `--limit 0` shows all\n")
    assert text(Findings(many), Style(limit=0)).count("error[") == 30
    assert text(Findings(()), Style()) == ""
