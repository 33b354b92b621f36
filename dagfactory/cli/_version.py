"""Which dagfactory this is: the release, and in a checkout the commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from dagfactory import __version__

_PATIENCE = 2.0
"""Seconds that git may take, on a slow disk, before the commit is left out."""


def version(root: Path = Path(__file__).parents[2]) -> str:
    """Return `0.1.0`, or `0.1.0 (commit abc1234, modified)` where `root` is a checkout of dagfactory."""
    commit = _commit(root) if (root / ".git").exists() else ""
    return f"{__version__} (commit {commit})" if commit else __version__


def _commit(root: Path) -> str:
    """Return the short hash, with `, modified` when tracked files differ; nothing without git."""
    # what a hook sets (GIT_DIR, GIT_INDEX_FILE) is about the repository that is committed to
    outside = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    arguments = ["describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=, modified"]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            env=outside | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
