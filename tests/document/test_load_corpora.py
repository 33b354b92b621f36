"""Hostile and official inputs: never a crash, and what is accepted is what the suites say."""

import json
import math

import pytest
import yaml
from paths import CORPORA

from dagfactory.diagnostics.source import SourceFile, decode
from dagfactory.document.load import _Builder, load

PARSERS = [yaml.CSafeLoader, yaml.SafeLoader]

# What PyYAML's parsers accept although YAML 1.2 forbids it: flow collections that are indented too
# little, comments without a space before them, and characters behind a `---` line. None of these
# changes a value that its writer could have meant differently.
KNOWN_TOLERANCE = {
    *("9C9N", "9JBA", "CVW2", "DK95", "G5U8", "QB6E", "S98Z", "SU5Z", "X4QW", "Y79Y", "YJV2"),
}


def corpus(name):
    folder = CORPORA / name
    if not folder.exists():
        pytest.skip(
            f"corpus {name} is not on this machine ({CORPORA} is kept outside the repository)"
        )
    return folder


def loaded(data, name, parser=None):
    source = decode(data, name)
    if not isinstance(source, SourceFile):
        return None, [source]
    if parser is None:
        return load(source)
    builder = _Builder(source, parser)
    return builder.run(), builder.problems


@pytest.mark.parametrize("parser", PARSERS)
def test_accepted_values_are_those_of_the_yaml_test_suite(parser):
    accepted = 0
    for case in sorted(corpus("yaml-test-suite").rglob("in.yaml")):
        node, problems = loaded(case.read_bytes(), case.parent.name, parser)
        expected = case.with_name("in.json")
        if node is None or problems or not expected.exists():
            continue
        if not case.with_name("error").exists():
            assert exact(node.plain()) == exact(json.loads(expected.read_text())), case
            accepted += 1
    assert accepted >= 160


@pytest.mark.parametrize("parser", PARSERS)
def test_invalid_yaml_is_refused_but_for_known_tolerance(parser):
    folder = corpus("yaml-test-suite")
    for mark in sorted(folder.rglob("error")):
        node, problems = loaded(mark.with_name("in.yaml").read_bytes(), "f", parser)
        if node is not None and not problems:
            assert mark.relative_to(folder).parts[0] in KNOWN_TOLERANCE


REFUSED = {
    # a key is given once (docs/errors.md, DF103)
    "DF103": ["object_duplicated_key", "object_duplicated_key_and_value"],
    # JSON writes characters beyond U+FFFF as two escapes; YAML as one, `\\U0001D11E`
    "DF102": [
        *("string_accepted_surrogate_pair", "string_accepted_surrogate_pairs"),
        *("string_last_surrogates_1_and_2", "string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF"),
        *("string_unicode_U+10FFFE_nonchar", "string_unicode_U+1FFFE_nonchar"),
    ],
    # characters that cannot be seen or stored are written as escapes, or not at all (DF105)
    "DF105": [
        *("string_nonCharacterInUTF-8_U+FFFF", "string_null_escape", "string_u+2028_line_sep"),
        *("string_u+2029_par_sep", "string_unescaped_char_delete", "string_with_del_character"),
    ],
}


def exact(value):
    """Return a text in which 1, 1.0 and true differ, as they do not for `==`."""
    return json.dumps(value, sort_keys=True)


def test_json_is_read_as_json_but_for_documented_rules():
    refused = {}
    cases = sorted(corpus("JSONTestSuite").glob("test_parsing/y_*.json"))
    for case in cases:
        node, problems = loaded(case.read_bytes(), case.name)
        if problems:
            refused.setdefault(problems[0].code, []).append(case.stem.removeprefix("y_"))
        else:
            assert exact(node.plain()) == exact(json.loads(case.read_bytes())), case.name
    assert refused == {code: sorted(names) for code, names in REFUSED.items()}
    assert len(cases) == 95


def test_no_json_file_brings_the_process_down():
    for case in sorted(corpus("JSONTestSuite").rglob("*.json")):
        node, problems = loaded(case.read_bytes(), case.name)
        assert node is not None or problems, case.name


def hazards():
    path = CORPORA / "dagfactory-own" / "yaml_hazards.jsonl"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{path} is not on this machine"))]
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [pytest.param(row["yaml"], id=row["name"]) for row in rows]


@pytest.mark.parametrize("text", hazards())
def test_hazards_give_a_tree_or_a_reason(text):
    for parser in PARSERS:
        node, problems = loaded(text.encode("utf-8", "surrogatepass"), "f", parser)
        assert node is not None or problems
        for each in problems:
            assert each.code.startswith("DF10")
            assert each.message


def blns():
    path = corpus("blns") / "blns.json"
    return [each for each in json.loads(path.read_text()) if "\0" not in each]


@pytest.mark.parametrize("width", [40, math.inf])
def test_naughty_strings_survive_as_quoted_values(width):
    for text in blns():
        written = yaml.safe_dump({"key": text}, default_style='"', width=width)
        node, problems = loaded(written.encode(), "f")
        assert problems == [], text
        assert node.plain() == {"key": text}


def test_naughty_strings_never_crash_as_they_are():
    for text in blns():
        for written in (text, f"a: {text}", f"{text}: a", f"- {text}\n- {text}", f"a: |\n  {text}"):
            node, problems = loaded(written.encode("utf-8", "surrogatepass"), "f")
            assert node is not None or problems


def test_trojan_sources_are_refused_outside_quotes():
    found = 0
    for case in sorted(corpus("trojan-source").rglob("*")):
        if case.suffix not in {".py", ".js"} or not case.is_file():
            continue
        text = case.read_text(encoding="utf-8", errors="replace")
        commented = "".join(f"# {line}\n" for line in text.splitlines()) + "a: 1\n"
        hidden = any(
            each in text for each in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2069\u200b"
        )
        codes = {each.code for each in loaded(commented.encode(), "f")[1]}
        assert ("DF105" in codes) == hidden, case
        found += hidden
    assert found >= 3
