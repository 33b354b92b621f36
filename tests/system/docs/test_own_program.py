"""docs/own_program.md is true: a reader who types it sees what it shows."""

import shutil

from pages import perform, steps
from paths import ROOT


def test_the_page(tmp_path):
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    done = [perform(step, tmp_path) for step in steps(ROOT / "docs" / "own_program.md")]
    assert len(done) > 10
