"""docs/many_pipelines.md is true: a reader who types it sees what it shows."""

import shutil

from pages import perform, steps
from paths import ROOT


def test_the_page(tmp_path):
    shutil.copytree(ROOT / "specs/environments", tmp_path / "specs/environments")
    done = [perform(step, tmp_path) for step in steps(ROOT / "docs" / "many_pipelines.md")]
    assert len(done) == 6
