"""Which commit a folder is at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_PATIENCE = 2.0
"""Seconds that git may take, on a slow disk, before the commit is left out."""


def commit_of(root: Path, *, digits: int = 40) -> str:
    """Return the hash, with `, modified` when tracked files differ; nothing without git."""
    # what a hook sets (GIT_DIR, GIT_INDEX_FILE) is about the repository that is committed to
    outside = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    arguments = ["describe", "--always", f"--abbrev={digits}", "--exclude=*", "--dirty=, modified"]
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
