"""Which dagfactory this is: the release, and in a checkout the commit."""

from __future__ import annotations

from pathlib import Path

from dagfactory import __version__
from dagfactory.project.commit import commit_of


def version(root: Path = Path(__file__).parents[2]) -> str:
    """Return `0.1.0`, or `0.1.0 (commit abc1234, modified)` where `root` is a checkout of dagfactory."""
    commit = commit_of(root, digits=7) if (root / ".git").exists() else ""
    return f"{__version__} (commit {commit})" if commit else __version__
