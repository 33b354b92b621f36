import pytest

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.source import SourceFile, Sources, decode, read, shown
from dagfactory.diagnostics.span import Span


def test_reads_utf8_and_drops_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\n")
    file = read(path, "a.yaml")
    assert isinstance(file, SourceFile)
    assert (file.name, file.text) == ("a.yaml", "a: é\n")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", ["a", "b"]),
        ("a\r\nb\r\n", ["a", "b", ""]),
        ("a\rb", ["a", "b"]),
        ("a\x85b\u2028c\x0bd\x0ce", ["a\x85b\u2028c\x0bd\x0ce"]),
    ],
)
def test_only_the_breaks_of_editors_end_a_line(text, lines):
    assert SourceFile("f", text).lines == lines


def test_a_line_beyond_the_end_is_empty():
    file = SourceFile("f", "a")
    assert (file.line(1), file.line(2), file.line(0)) == ("a", "", "")


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b"a: 1\nb: \xff", "DF101", 2, 4),
        ("ä: ".encode() + b"\xe4", "DF101", 1, 4),
        (b"a\r\nb\r\n\x80", "DF101", 3, 1),
        (b"\xef\xbb\xbfa: \x80", "DF101", 1, 4),
    ],
)
def test_bytes_that_are_not_utf8_are_placed(data, code, line, column):
    problem = decode(data, "f")
    assert isinstance(problem, Diagnostic)
    assert problem.code == code
    assert problem.span == Span("f", line, column, line, column + 1)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_other_unicode_encodings_are_named(encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    problem = decode((mark + "a: 1").encode(encoding), "f")
    assert isinstance(problem, Diagnostic)
    assert problem.code == "DF101"
    assert "UTF-" in problem.message


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (limits.FILE.most + 1))
    problem = read(path)
    assert isinstance(problem, Diagnostic)
    assert problem.code == "DF107"


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_what_cannot_be_opened_is_a_diagnostic(tmp_path, name):
    problem = read(tmp_path / name)
    assert isinstance(problem, Diagnostic)
    assert problem.code == "DF101"


def test_paths_are_shown_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "specs" / "a.yaml") == "specs/a.yaml"
    assert shown(tmp_path.parent / "a.yaml") == (tmp_path.parent / "a.yaml").as_posix()


def test_a_span_contains_what_lies_inside_it():
    outer = Span("f", 2, 3, 4, 1)
    assert outer.holds(Span("f", 2, 3, 2, 9))
    assert outer.holds(Span("f", 3, 1, 4, 1))
    assert not outer.holds(Span("f", 2, 2, 2, 9))
    assert not outer.holds(Span("f", 3, 1, 4, 2))
    assert not outer.holds(Span("g", 3, 1, 3, 2))


def test_sources_read_what_was_not_added(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("a: 1")
    sources = Sources((SourceFile("<stdin>", "b: 2"),))
    added = SourceFile("a.yaml", "from memory")
    assert sources.get("<stdin>").text == "b: 2"
    assert sources.get("a.yaml").text == "a: 1"
    assert sources.get("nothing.yaml") is None
    sources.add(added)
    assert sources.get("a.yaml") is added
