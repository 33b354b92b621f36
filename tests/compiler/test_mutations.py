"""Mistakes made by machine in the flagship: no crash, plain words, one finding per cause."""

import copy
import re
from collections import Counter

import damage
import pytest
from paths import ROOT
from size import sampled

from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load

SPECS = ROOT / "specs"
JUNK = [
    *(
        None,
        True,
        0,
        -1,
        3.5,
        1e308,
        "x",
        "",
        "{{ ds }}",
        "${tasks.train.uri}",
        "${nope.x}",
        "é\u200b",
    ),
    *([], {}, ["x"], {"x": 1}, [[]], [{}], {"type": "train"}),
]
JARGON = re.compile(
    r"Input should|valid (?:dictionary|list|string)|NoneType|union|pydantic|\bstr\b|\bint\b|\bdict\b"
    r"|instance of|literal|field required|Value error",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def flagship():
    text = (SPECS / "arr_coc.yaml").read_text()
    data = load(SourceFile("arr_coc.yaml", text))[0].plain()
    data.pop("environments", None)  # patches are read when their environment is chosen
    return data


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    return damage.Bench(tmp_path_factory.mktemp("repo")).front


def mutants(spec):
    for path in list(damage.places(spec)):
        for junk in JUNK:
            yield damage.replaced(spec, path, junk)
        mutant = copy.deepcopy(spec)
        del damage.at(mutant, path[:-1])[path[-1]]
        yield mutant


def test_the_flagship_has_no_findings(flagship, checked):
    assert checked(flagship) == []


def test_every_mutant_is_told_in_plain_words_and_once(flagship, checked):
    counts, made = Counter(), sampled(list(mutants(flagship)), 700)
    for mutant in made:
        found = checked(mutant)
        counts[len(found)] += 1
        for each in found:
            said = " ".join([each.message, each.help or "", *each.notes])
            assert not JARGON.search(re.sub("`[^`]*`", "", said)), said
            assert len(each.message) <= 100, each.message
            assert each.span is not None
    wrong = sum(number for count, number in counts.items() if count)
    assert wrong >= 0.6 * len(made)
    assert sum(count * number for count, number in counts.items()) / wrong <= 1.1
