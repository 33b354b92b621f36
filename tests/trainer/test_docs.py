"""The manual lists every setting with its default."""

from pathlib import Path

import pytest

from trainer.config import shown
from trainer.settings import PROGRAMS, VARYING, PackSettings

MANUAL = (Path(__file__).parents[2] / "docs" / "trainer.md").read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_setting_is_in_the_manual(program):
    section = MANUAL.split(f"### `python -m {program}`")[1].split("\n### ")[0]
    for name, field in PROGRAMS[program].model_fields.items():
        default = "none" if field.default is None else f"`{shown(field.default)}`"
        default = "required" if field.is_required() else default
        assert f"| `{field.alias or name}` | {default} | {field.description} |" in section


def test_the_settings_of_packs_are_in_the_manual():
    section = MANUAL.split("### `python -m trainer --trials=…`")[1].split("\n### ")[0]
    for name, field in PackSettings.model_fields.items():
        default = "required" if field.is_required() else "none"
        assert f"| `{name}` | {default} | {field.description} |" in section


def test_what_may_differ_in_a_pack_is_in_the_manual():
    section = MANUAL.split("\n**What may differ**")[1].split("(`trainer.settings")[0]
    assert section.replace("`", "").replace(",", "").split()[1:] == list(VARYING)
