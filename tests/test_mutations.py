"""Mistakes made by machine in the flagship: no crash, plain words, one finding per cause."""

import copy
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from dagfactory.frontend import front_end
from dagfactory.load import load
from dagfactory.source import SourceFile

SPECS = Path(__file__).parents[1] / "specs"
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
    folder = tmp_path_factory.mktemp("repo") / "specs"
    shutil.copytree(SPECS, folder)
    path = folder / "mutant.yaml"

    def check(data):
        path.write_text(json.dumps(data), encoding="utf-8")
        return front_end(path, "dev").diagnostics

    return check


def places(data, path=()):
    """Yield the path of every value but the root."""
    steps = data.items() if isinstance(data, dict) else enumerate(data)
    for step, value in steps:
        yield (*path, step)
        if isinstance(value, dict | list):
            yield from places(value, (*path, step))


def parent_of(data, path):
    for step in path[:-1]:
        data = data[step]
    return data


def mutants(spec):
    for path in list(places(spec)):
        for junk in JUNK:
            mutant = copy.deepcopy(spec)
            parent_of(mutant, path)[path[-1]] = junk
            yield mutant
        mutant = copy.deepcopy(spec)
        del parent_of(mutant, path)[path[-1]]
        yield mutant


def test_the_flagship_has_no_findings(flagship, checked):
    assert checked(flagship) == []


def test_every_mutant_is_told_in_plain_words_and_once(flagship, checked):
    counts = Counter()
    for mutant in mutants(flagship):
        found = checked(mutant)
        counts[len(found)] += 1
        for each in found:
            said = " ".join([each.message, each.help or "", *each.notes])
            assert not JARGON.search(re.sub("`[^`]*`", "", said)), said
            assert len(each.message) <= 100, each.message
            assert each.span is not None
    wrong = sum(number for count, number in counts.items() if count)
    assert wrong >= 1500
    assert sum(count * number for count, number in counts.items()) / wrong <= 1.1


def typos(word):
    """Yield the word with a letter left out, doubled, replaced, or swapped with the next."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at] + word[at:]
        yield word[:at] + "q" + word[at + 1 :]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


FREE = {"params", "args", "env", "secrets", "parameters", "vars", "tasks", "exclude"}
"""Mappings whose keys are the user's own."""


def misspelt_keys(spec):
    for path in list(places(spec)):
        own = len(path) > 1 and (path[-2] in FREE or (len(path) > 2 and path[-3] == "exclude"))
        if own or not isinstance(path[-1], str) or len(path[-1]) < 3:
            continue
        for typo in dict.fromkeys(typos(path[-1])):
            mutant = copy.deepcopy(spec)
            parent = parent_of(mutant, path)
            if typo in parent or typo == path[-1]:
                continue
            parent[typo] = parent.pop(path[-1])
            yield mutant, path[-1], typo


def test_misspelt_keys_are_recognised(flagship, checked):
    right, total = 0, 0
    for mutant, key, typo in misspelt_keys(flagship):
        found = checked(mutant)
        named = [each for each in found if f"`{typo}`" in each.message]
        total += 1
        right += bool(named) and f"did you mean `{key}`" in (named[0].help or "")
    assert total >= 1000
    assert right / total >= 0.95


CHOICES = {"type", "backoff", "goal", "method", "provisioning", "format"}


def test_misspelt_choices_are_recognised(flagship, checked):
    right, total = 0, 0
    for path in list(places(flagship)):
        value = parent_of(flagship, path)[path[-1]]
        if path[-1] not in CHOICES or (path[-2] == "machine" and path[-1] == "type"):
            continue
        for typo in dict.fromkeys(typos(value)):
            mutant = copy.deepcopy(flagship)
            parent_of(mutant, path)[path[-1]] = typo
            found = [each for each in checked(mutant) if f"`{typo}`" in each.message]
            if typo != value:
                total += 1
                right += bool(found) and f"did you mean `{value}`" in (found[0].help or "")
    assert total >= 300
    assert right / total >= 0.95
