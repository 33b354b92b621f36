"""Files that nobody else may read, some replaced in one step. Standard library only."""

import os
import tempfile
from pathlib import Path

PRIVATE = 0o077
"""The umask of everything that is started here: folders 0700, files 0600."""


def private_folder(path: Path) -> None:
    """Make a folder, or take one that is there, for its owner only."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def replace_text(path: Path, text: str) -> None:
    """Write a file, readable by its owner only, in one step: readers see old or new."""
    # a name of its own: two threads may write the same file at once
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
