"""The Airflow lines that tests run on: the one of this environment, and another one beside it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from paths import ROOT

AIRFLOW_2 = ROOT / ".venv-airflow2/bin/python"
"""Made by `make airflow2`."""

PYTHON = os.environ.get("AIRFLOW_PYTHON", sys.executable)
"""The Python that has the Airflow under test; only the compiler and the emulator need this one."""


def specs_for(target: str, folder: Path) -> Path:
    """Copy the flagship and its neighbours to `folder`/specs, all environments set to `target`."""
    copied = folder / "specs"
    shutil.copytree(ROOT / "specs", copied)
    for path in copied.glob("environments/*.yaml"):
        text = path.read_text()
        assert "target: airflow3\n" in text
        path.write_text(text.replace("target: airflow3\n", f"target: {target}\n"))
    return copied
