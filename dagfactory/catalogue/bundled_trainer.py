"""What the trainer that comes with dagfactory says about itself, without torch.

It is not imported by name: it stands beside the compiler or it does not. A package of somebody else
that is called `trainer` is left alone.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

PROGRAMS = (
    "trainer",
    "trainer.data",
    "trainer.textures",
    "trainer.evaluate",
    "trainer.vqa",
    "trainer.vqa_export",
    "trainer.vlm",
    "trainer.vlm.evaluate",
)

# Older than compute capability 8.0: the trainer refuses --precision=bfloat16 there.
WITHOUT_BFLOAT16 = ("NVIDIA_TESLA_P100", "NVIDIA_TESLA_V100", "NVIDIA_TESLA_P4", "NVIDIA_TESLA_T4")


@cache
def installed() -> bool:
    """Whether `trainer` is the package that was installed together with this one."""
    home = Path(__file__).resolve().parents[2] / "trainer"
    loaded = getattr(sys.modules.get("trainer"), "__path__", None) or [str(home)]
    foreign = any(each.is_dir() and each.resolve() != home for each in project_trainers())
    return not foreign and (home / "config.py").is_file() and Path(loaded[0]).resolve() == home


def runs(module: str | None, command: object) -> bool:
    """Whether a job with this module and command runs one of its programs."""
    return module in PROGRAMS and not command and installed()


def project_trainers() -> tuple[Path, Path]:
    """Return where a project of one's own would keep a package `trainer`."""
    return Path.cwd() / "trainer", Path.cwd() / "src" / "trainer"


def settings(program: str) -> type[BaseModel]:
    """Return the settings of one of its programs."""
    made: type[BaseModel] = import_module("trainer.config").PROGRAMS[program]
    return made


def varying() -> tuple[str, ...]:
    """Return the settings in which trials may differ that train together."""
    names: tuple[str, ...] = import_module("trainer.settings").VARYING
    return names


def single_run_settings() -> tuple[str, ...]:
    """Return the settings that only a run of its own heeds, not one that trains with others."""
    packs = import_module("trainer.settings")
    names = [field.alias or name for name, field in settings("trainer").model_fields.items()]
    return tuple(name for name in names if name not in (*packs.VARYING, *packs.SHAPE))
