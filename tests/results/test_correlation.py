"""Rank correlation, against scipy's and by hand."""

import pytest

from dagfactory.results.correlation import correlations, ranks, spearman
from dagfactory.results.model import Trial


@pytest.mark.parametrize(
    ("x", "y", "rho"),
    [  # by scipy.stats.spearmanr 1.17.1
        ([1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),
        ([0.1, 0.1, 0.3, 0.2], [4.0, 1.0, 1.0, 9.0], -0.05555555555555555),
        ([3, 1, 2], [1, 3, 2], -1.0),
    ],
)
def test_it_is_scipys_with_ties_and_without(x, y, rho):
    assert spearman(list(zip(x, y, strict=True))) == pytest.approx(rho, abs=1e-12)


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
