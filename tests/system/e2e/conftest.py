"""A project of one spec, as `dagfactory run` finds it in a user's repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from paths import ROOT


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module's `SPEC` as specs/spec.yaml, our defaults and our environments."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "specs/environments", folder / "specs/environments")
    shutil.copy(ROOT / "specs/defaults.yaml", folder / "specs")
    (folder / "specs/spec.yaml").write_text(request.module.SPEC)
    return folder
