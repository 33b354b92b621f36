"""README.md shows what really comes out."""

import re
import shutil

from pages import Step, perform, steps
from paths import ROOT


def test_the_error_is_the_real_one(tmp_path):
    shutil.copytree(ROOT / "specs", tmp_path / "specs")
    path = tmp_path / "specs" / "quickstart.yaml"
    path.write_text(re.sub(r"machine: \{", "machin: {", path.read_text(), count=1))
    (shown,) = [each for each in steps(ROOT / "README.md") if each.command.startswith("dagfactory")]
    perform(Step(shown.line, shown.command, shown.output.rstrip("\n") + "\n…\n"), tmp_path)
