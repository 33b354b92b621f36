"""The manual lists every setting with its default."""

from pathlib import Path

import pytest

from trainer.config import PROGRAMS

MANUAL = (Path(__file__).parents[2] / "docs" / "trainer.md").read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_setting_is_in_the_manual(program):
    section = MANUAL.split(f"### `python -m {program}`")[1].split("\n### ")[0]
    for name, field in PROGRAMS[program].model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        default = "required" if field.is_required() else default
        assert f"| `{field.alias or name}` | {default} | {field.description} |" in section
