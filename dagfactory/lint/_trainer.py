"""Whose `trainer` a job would run: the one beside the compiler, or somebody else's package of that name."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path


@cache
def ours() -> bool:
    """Whether `trainer` is the package that was installed together with this one."""
    home = Path(__file__).resolve().parents[2] / "trainer"
    loaded = getattr(sys.modules.get("trainer"), "__path__", None) or [str(home)]
    foreign = any(each.is_dir() and each.resolve() != home for each in rivals())
    return not foreign and (home / "config.py").is_file() and Path(loaded[0]).resolve() == home


def rivals() -> tuple[Path, Path]:
    """Return where a project of one's own would keep a package `trainer`."""
    return Path.cwd() / "trainer", Path.cwd() / "src" / "trainer"
