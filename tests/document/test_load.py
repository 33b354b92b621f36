import math

import pytest
import yaml

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import _Builder, load


def loaded(text):
    node, problems = load(SourceFile("f", text))
    assert problems == []
    return node


def problems_of(text):
    return [(each.code, _place(each.span)) for each in load(SourceFile("f", text))[1]]


def _place(span):
    return (span.line, span.column, span.end_line, span.end_column)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("nUll", "nUll"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-0o7", "-0o7"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-05", "2026-01-05"),
        ("1e-4", 1e-4),
        ("1e5", 1e5),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("1.10", 1.1),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("-", "-"),
        ("+", "+"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("inf", "inf"),
        ("0", 0),
        ("-0", 0),
        ("18446744073709551615", 2**64 - 1),
        ("0" * 5000 + "1", 1),
        ("٣", "٣"),
        ("0.0e-999", 0.0),
        ('"1"', "1"),
        ("'true'", "true"),
    ],
)
def test_scalars_follow_yaml_1_2_core(text, value):
    found = loaded(f"[{text}]" if text != "-" else "- '-'").plain()[0]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_float():
    assert math.isnan(loaded("a: .nan").plain()["a"])


@pytest.mark.parametrize("text", ["1e999", "-1e400", "1e-999", "18446744073709551616", "9" * 5000])
def test_numbers_out_of_range_are_refused(text):
    assert problems_of(f"a: {text}") == [("DF109", (1, 4, 1, 4 + len(text)))]


SPANS = [
    ("a: b", ("a",), (1, 4, 1, 5)),
    ("a: 😀x  # c", ("a",), (1, 4, 1, 6)),
    ("é: 'e\u0301' # two code points", ("é",), (1, 4, 1, 8)),
    ("a: 1\r\nb: é\r\n", ("b",), (2, 4, 2, 5)),
    ("a: 1\rb: 2", ("b",), (2, 4, 2, 5)),
    ("a:\n  b:  c\n\n# x\nd: 1", ("a",), (2, 3, 2, 8)),
    ("a:\n  b: [x,\n   y ]\nd: 1", ("a", "b"), (2, 6, 3, 7)),
    ("a: {b: 1}", ("a",), (1, 4, 1, 10)),
    ("a: |\n  x\n  y\n\nb: 1", ("a",), (1, 4, 3, 4)),
    ("a: >-\r\n  x\r\n\r\nb: 1", ("a",), (1, 4, 2, 4)),
    ("a: x\n  y\nb: 1", ("a",), (1, 4, 2, 4)),
    ('a: "x\n  y"', ("a",), (1, 4, 2, 5)),
    ("a: &n x", ("a",), (1, 7, 1, 8)),
    ("a: &n\n  b: 1", ("a",), (2, 3, 2, 7)),
    ("a: &n # why\n\n  b: 1", ("a",), (3, 3, 3, 7)),
    ("a: &n [x]", ("a",), (1, 7, 1, 10)),
    ("a: &n x\nb: *n", ("b",), (1, 7, 1, 8)),
    ("a: &n x\nb:\n  c: *n\n  d: *n\n", ("b",), (3, 3, 4, 8)),
    ("a:\nb: 1", ("a",), (1, 3, 1, 3)),
    ("a:", ("a",), (1, 3, 1, 3)),
    ("{a: 1, b", ("b",), None),
    ("- - x\n  - y", (0,), (1, 3, 2, 6)),
    ("\ta: 1", (), None),
]


@pytest.mark.parametrize(("text", "path", "place"), [each for each in SPANS if each[2]])
@pytest.mark.parametrize("parser", [yaml.CSafeLoader, yaml.SafeLoader])
def test_spans_count_code_points(text, path, place, parser):
    builder = _Builder(SourceFile("f", text), parser)
    node = builder.run()
    assert builder.problems == []
    assert _place(node.find(path).span) == place


def test_keys_have_spans():
    node = loaded("a:\n  '😀 b': 1\n  c : 2")
    assert _place(node.span_of(("a", "😀 b"), key=True)) == (2, 3, 2, 8)
    assert _place(node.span_of(("a", "c"), key=True)) == (3, 3, 3, 4)


def test_what_is_missing_has_the_span_of_its_parents_key():
    node = loaded("x: 1\na:\n  b: {c: 1}\nl: [{d: 1}]")
    assert _place(node.span_of(("a", "b", "gone"))) == (3, 3, 3, 4)
    assert _place(node.span_of(("gone",))) == (1, 1, 1, 2)
    assert _place(node.span_of(("l", 0, "gone", "deeper"))) == (4, 6, 4, 7)
    assert _place(node.span_of(("l", 7))) == (4, 1, 4, 2)


TEXT_SPANS = [
    ("a: x ${v} y", "${v}", (1, 6, 1, 10)),
    ('a: "x ${v}"', "${v}", (1, 7, 1, 11)),
    ("a: '${v} ${v}'", "${v}", (1, 5, 1, 9)),
    ("a: |\n  one\n  two ${v}\n", "${v}", (3, 7, 3, 11)),
    ("a: >\r\n  one\r\n  two ${v}\r\n", "${v}", (3, 7, 3, 11)),
    ("a: one\n  two ${v}", "${v}", (2, 7, 2, 11)),
    ('a: "\\x24{v}"', "${v}", (1, 4, 1, 13)),
    ("a: |+\n  |+ >", "|+", (2, 3, 2, 5)),
    ("a: &n 'é ${v}'", "${v}", (1, 10, 1, 14)),
]


@pytest.mark.parametrize(("text", "wanted", "place"), TEXT_SPANS)
def test_offsets_of_a_value_lead_to_columns(text, wanted, place):
    node = loaded(text).find(("a",))
    start = node.value.index(wanted)
    assert _place(node.text_span(start, start + len(wanted))) == place


def test_the_second_of_two_equal_parts_is_found():
    node = loaded("a: 'x ${v} it''s ${v}'").find(("a",))
    start = node.value.rindex("${v}")
    assert _place(node.text_span(start, start + 4)) == (1, 18, 1, 22)


def test_aliases_share_their_value():
    node = loaded("a: &n {x: 1}\nb: *n\nc: [*n, *n]")
    assert node.plain() == {"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}]}
    assert node.find(("b",)) is node.find(("a",))


def test_walk_visits_parents_first_in_order():
    paths = [path for path, _ in loaded("a: [1, {b: 2}]\nc: 3").walk()]
    assert paths == [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("c",)]


REFUSED = [
    ("a: 1\na: 2", "DF103", (2, 1, 2, 2)),
    ("s:\n  a: 1\n  'a': 2", "DF103", (3, 3, 3, 6)),
    ("b: &b {x: 1}\nc:\n  <<: *b", "DF104", (3, 3, 3, 5)),
    ("a: !Ref x", "DF104", (1, 4, 1, 5)),
    ("a: !!binary aGk=", "DF104", (1, 4, 1, 5)),
    ("a: ! x", "DF104", (1, 4, 1, 5)),
    ("%YAML 1.2\n---\na: 1", "DF104", (1, 1, 2, 4)),
    ("a: 1\n---\nb: 2", "DF104", (2, 1, 2, 4)),
    ("? a\n: 1", "DF104", (1, 3, 1, 4)),
    ("{?a: 1}", "DF104", (1, 3, 1, 4)),
    ("1: a", "DF106", (1, 1, 1, 2)),
    ("true: a", "DF106", (1, 1, 1, 5)),
    ("~: a", "DF106", (1, 1, 1, 2)),
    ("9999999999999999999999999: a", "DF106", (1, 1, 1, 26)),
    ("? [a]\n: b", "DF106", (1, 3, 1, 4)),
    ("a: &n b\n*n : c", "DF106", (2, 1, 2, 3)),
    ("a: *nope", "DF108", (1, 4, 1, 9)),
    ("a: &a [*a]", "DF108", (1, 8, 1, 10)),
    ("a: &b {c: *b}", "DF108", (1, 11, 1, 13)),
    ("a: &an:chor x", "DF108", (1, 4, 1, 5)),
    ("a: x\u0085b: 2", "DF105", (1, 5, 1, 6)),
    ("a: 'x\u2028y'", "DF105", (1, 6, 1, 7)),
    ("a: \x1b[31m", "DF105", (1, 4, 1, 5)),
    ("a: \u202eabc", "DF105", (1, 4, 1, 5)),
    ("a: 1 # \u2066", "DF105", (1, 8, 1, 9)),
    ("a: |\n  x\u200b", "DF105", (2, 4, 2, 5)),
    ("a: 1\n\ufeffb: 2", "DF105", (2, 1, 2, 2)),
    ("tra\u200bin: 1", "DF105", (1, 4, 1, 5)),
    ('"tra\u200bin": 1', "DF105", (1, 1, 1, 9)),
    ("cafe\u0301: 1", "DF105", (1, 1, 1, 6)),
    ('a: "\\0"', "DF105", (1, 4, 1, 8)),
    ("", "DF102", (1, 1, 1, 1)),
    ("# nothing", "DF102", (1, 1, 1, 1)),
]


@pytest.mark.parametrize(("text", "code", "place"), REFUSED)
def test_what_specs_do_not_use_is_one_diagnostic(text, code, place):
    assert problems_of(text) == [(code, place)]


@pytest.mark.parametrize(
    "text",
    [
        'a: "\u202eabc"',
        "a: '\u200b'",
        "a: 👩\u200d💻",
        "# 👩\u200d💻\na: 1",
        "\u0646\u200c\u0645: 1",
    ],
)
def test_quoted_direction_marks_and_emoji_are_text(text):
    assert problems_of(text) == []


def test_a_duplicate_shows_both_places():
    (problem,) = load(SourceFile("f", "a: 1\nb: 2\na: 3"))[1]
    assert [_place(each.span) for each in problem.labels] == [(1, 1, 1, 2)]


def test_reading_goes_on_after_what_can_be_skipped():
    text = "a: 1\na: 2\n1: x\nb: !t y\nc: *gone\nd: 1e999\n"
    assert [code for code, _ in problems_of(text)] == ["DF103", "DF106", "DF104", "DF108", "DF109"]
    assert load(SourceFile("f", text))[0].plain()["a"] == 1


SYNTAX = [
    ("a: b: c", (1, 5), "second `:`"),
    ("a: 'x", (1, 4), "never closed"),
    ('a: "x\nb: 1', (1, 4), "never closed"),
    ("a: [1, 2\nb: 3", (1, 4), "`]`"),
    ("a: {b: 1", (1, 4), "`}`"),
    ("a: @x", (1, 4), "`@`"),
    ("a: `x`", (1, 4), "backquote"),
    ("a: %x", (1, 4), "`%`"),
    ("a:\n\tb: 1", (2, 1), "tab"),
    ("a:\n  b: 1\n c: 2", (3, 2), "does not fit the mapping"),
    ("- a\nb: 1", (2, 1), "does not fit the list"),
    ("a: - b", (1, 4), "list cannot begin"),
    ('a: "\\q"', (1, 5), "escape"),
    ('a: "\\u12"', (1, 7), "escape"),
    ("a: |x\n  b", (1, 5), "header"),
    ("a: *", (1, 5), "alias"),
    ("a: &", (1, 5), "anchor"),
    ("a: 1\nb\nc: 1", (2, 1), "`:` is missing"),
    ("a: [,]", (1, 5), "value is missing"),
    ("--- 'a\n... x\n'", (2, 1), "inside quotes"),
]


@pytest.mark.parametrize(("text", "place", "words"), SYNTAX)
def test_syntax_errors_say_what_is_meant(text, place, words):
    node, (problem,) = load(SourceFile("f", text))
    assert node is None
    assert problem.code == "DF102"
    assert words in problem.message
    assert (problem.span.line, problem.span.column) == place
    assert problem.help


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "[" * 100_000,
        "{" * 100_000,
        '[{"":' * 50_000,
        "- " * 100_000,
        "? " * 1_000,
        "a:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 500)),
        "".join(f"k{n}: 1\n" for n in range(limits.NODES.most)),
        "a: &a [x]\nb: [" + "*a," * limits.NODES.most + "]",
    ],
    ids=["laughs", "lists", "mappings", "json", "dashes", "marks", "indent", "wide", "aliases"],
)
def test_bombs_are_defused(text):
    assert "DF107" in {code for code, _ in problems_of(text)} or text.startswith("? ")


def test_depth_counts_what_an_alias_stands_for():
    inner = "a: &a " + "[" * (limits.DEPTH.most - 2) + "]" * (limits.DEPTH.most - 2)
    assert problems_of(f"{inner}\nb: *a") == []
    assert [code for code, _ in problems_of(f"{inner}\nb: [[*a]]")] == ["DF107"]


def test_a_document_full_of_problems_is_not_read_on():
    node, problems = load(SourceFile("f", "a: 1\n" * 5000))
    assert node is None
    assert len(problems) == limits.FINDINGS.most


def test_many_hidden_characters_in_many_quotes_are_found():
    text = "- '\u202e'\n" * 80_000 + "- \u202e"
    assert problems_of(text) == [("DF105", (80_001, 3, 80_001, 4))]
