"""A run's folder to write into."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "pipeline" / "monday")
