"""Whatever is written reads back as exactly the same values."""

import math
from datetime import date

import yaml
from hypothesis import given
from hypothesis import strategies as st

from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load
from dagfactory.importers._write import CommentedMap, write
from dagfactory.importers._yaml11 import yaml11_value

# what the loader refuses anywhere: controls, surrogates, hidden and private characters
KEPT = st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"))
TEXTS = st.text(st.one_of(KEPT, st.sampled_from("\n\t #:-?'\"{}[]&*!|>%@`,=~\\$")), max_size=30)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False), TEXTS
)
KEYS = st.text(st.sampled_from("abz_:-# .'\"01"), min_size=1, max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def back(text):
    node, problems = load(SourceFile("spec.yaml", text))
    assert problems == [], text
    return node.plain()


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_values_read_back(data):
    assert back(write(CommentedMap(data), [])) == data


@given(TEXTS)
def test_texts_read_back_as_texts_in_yaml_1_1_too(text):
    found = yaml.safe_load(write(CommentedMap(key=text), []))["key"]
    assert str(found) == text or isinstance(found, date)


def test_special_floats():
    found = back(write(CommentedMap(a=math.inf, b=-math.inf, c=math.nan), []))
    assert (found["a"], found["b"]) == (math.inf, -math.inf)
    assert math.isnan(found["c"])


def test_comments_stand_where_they_belong():
    block = CommentedMap(a=1, b=CommentedMap(c=[1, 2]))
    block.comments_of("a").beside = "# one"
    block.comments_of("b").above = ["# two", "# lines"]
    expected = "# head\na: 1  # one\n# two\n# lines\nb: {c: [1, 2]}\n"
    assert write(block, ["# head"]) == expected


def test_a_mapping_with_comments_is_not_squeezed_into_a_line():
    inner = CommentedMap(c=1)
    inner.comments_of("c").beside = "# why"
    assert write(CommentedMap(b=inner), []) == "b:\n  c: 1  # why\n"


def test_plain_scalars_of_yaml_1_1():
    texts = [
        "yes",
        "off",
        "010",
        "0x1F",
        "1_000",
        "12:30",
        "1e3",
        "~",
        "",
        "2025-01-05",
        "x",
        "1.5",
    ]
    node, _ = load(SourceFile("a.yml", "\n".join(f"- {each}" for each in texts)))
    expected = [True, False, 8, 31, 1000, 750, "1e3", None, None, date(2025, 1, 5), "x", 1.5]
    assert [yaml11_value(each) for each in node.value] == expected
