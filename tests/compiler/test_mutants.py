"""A sample of benchmarks/mutants.py: damaged specs never crash, and one fault is one error."""

import damage
import mutants
import pytest
from size import SEED

COUNT = 3000


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    return mutants.run(damage.Bench(tmp_path_factory.mktemp("mutants")), range(COUNT), SEED)


def test_nothing_crashes_and_nothing_takes_long(score):
    assert score.total == COUNT
    assert score.broken == []
    assert score.slowest < 1


def test_one_fault_is_one_error(score):
    assert score.wrong >= COUNT / 2
    assert score.mean <= 1.1, (score.by_edit, score.worst.most_common(10))


def test_every_kind_of_edit_was_made(score):
    made = {each.__name__ for each in (*mutants.TREE, *mutants.TEXT)}
    assert set(score.by_edit) == made


def test_a_mutant_is_the_same_each_time():
    texts, documents = damage.texts(), damage.documents()
    pairs = [
        [mutants.mutant(number, 1, texts, documents) for number in range(50)] for _ in range(2)
    ]
    assert pairs[0] == pairs[1]
