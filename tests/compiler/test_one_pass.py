"""Every mistake in one pass: what is planted is in the first report, and nothing else."""

import itertools
from collections import Counter

import planted
import pytest
from size import size

from dagfactory.diagnostics.diagnostic import CODES


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return what each mistake gives by itself, by its code and the file of its upper part."""
    folder, numbers, known = tmp_path_factory.mktemp("alone"), itertools.count(), {}

    def report(mistake, place):
        key = (mistake.code, place)
        if key not in known:
            specs = planted.write(folder / str(next(numbers)), [(mistake, place)], ())
            known[key] = planted.found(specs)
        return known[key]

    return report


def expected(alone, chosen, lines):
    total = sum((alone(each, place) for each, place in chosen), Counter())
    return total + Counter((code, "dev.yaml") for code in lines)


# each code is the first of one spec at least
SAMPLE = max(80, len(planted.mistakes()))


@pytest.mark.parametrize("number", range(size(SAMPLE, 500)))
def test_planted_mistakes_are_all_in_the_first_report(number, alone, tmp_path):
    chosen, lines = planted.drawn(number)
    assert 2 <= len(chosen) <= 7
    report = planted.found(planted.write(tmp_path / "p", chosen, lines))
    assert report == expected(alone, chosen, lines), [each.code for each, _ in chosen]


@pytest.mark.parametrize("each", planted.mistakes(), ids=lambda each: each.code)
def test_a_mistake_alone_gives_its_own_code(each, alone):
    assert {code for code, _ in alone(each, planted.SPEC)} == {each.code}


def test_every_code_is_planted():
    drawn = {each.code for number in range(SAMPLE) for each, _ in planted.drawn(number)[0]}
    assert drawn | planted.STOPPING.keys() == CODES.keys()
