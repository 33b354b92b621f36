"""What must be equal in an Airflow that stays and in the run that wants to borrow it."""

import os
import sys
from pathlib import Path

from dagfactory import __version__

_ROOM = Path(__file__).parents[2]
_KEPT = ("emulator", "run")  # rooms whose code the image has imported


def identity() -> dict[str, str]:
    """Name the code that this process runs, and what it would import."""
    files = (each for room in _KEPT for each in (_ROOM / room).rglob("*.py"))
    newest = max(each.stat().st_mtime_ns for each in files)
    path = os.environ.get("PYTHONPATH", "")
    return {"dagfactory": f"{__version__} {newest}", "python": sys.executable, "PYTHONPATH": path}


def difference(one: dict[str, str], other: dict[str, str]) -> str:
    """Return the first thing that differs; `` when nothing does."""
    return next((name for name in one if one[name] != other.get(name)), "")
