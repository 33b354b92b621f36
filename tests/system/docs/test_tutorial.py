"""docs/tutorial.md is true: a reader who types it sees what it shows."""

import shutil

import pytest
from pages import matches, perform, steps
from paths import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"


@pytest.fixture
def clone(tmp_path):
    """A folder like a fresh clone, as far as the commands look at it."""
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    return tmp_path


def test_the_page_without_its_runs(clone):
    done = [perform(step, clone) for step in steps(TUTORIAL) if not step.slow]
    assert len(done) > 20


@pytest.mark.e2e
def test_the_whole_page(clone):
    slow = 0
    for step in steps(TUTORIAL):
        perform(step, clone)
        slow += step.slow
    assert slow == 3


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("…\n", "", True),
        ("…\nb\n", "x\ny\nb\n", True),
        ("…\nb\n", "x\ny\n", False),
        ("a … c\n", "a long b c\n", True),
        ("a … c\n", "a b\nc\n", False),
        ("a  b\n", "a b\n", True),
    ],
)
def test_outputs_are_compared_line_by_line(expected, actual, same):
    assert matches(expected, actual) is same
