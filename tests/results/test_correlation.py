"""Rank correlation, against scipy's and by hand."""

from random import Random

import pytest

from dagfactory.results.correlation import correlations, ranks, spearman
from dagfactory.results.model import Trial


def test_it_is_scipys_with_ties_and_without():
    stats = pytest.importorskip("scipy.stats")
    random = Random(5)  # noqa: S311 - the same pairs each time
    for size in range(3, 40):
        pairs = [(random.randint(0, 9), random.choice([random.random(), 0.5])) for _ in range(size)]
        expected = stats.spearmanr(*zip(*pairs, strict=True)).statistic
        assert spearman(pairs) == pytest.approx(expected, abs=1e-12), pairs


def test_equal_values_share_their_mean_rank():
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1.0, 3.5, 2.0]


def test_what_has_no_order_has_no_correlation():
    assert spearman([("adam", 1.0), ("sgd", 2.0), ("lion", 3.0)]) is None
    assert spearman([(1, 1.0), (1, 2.0), (1, 3.0)]) is None
    assert spearman([(1, 1.0), (2, 2.0)]) is None


def test_trials_without_a_value_do_not_count():
    values = [(1, 0.1), (2, 0.2), (3, 0.3), (4, None)]
    trials = [Trial(str(x), "", {"x": x, "flag": x > 1}, y) for x, y in values]
    assert correlations(trials) == pytest.approx({"x": 1.0, "flag": 0.8660254037844387})
