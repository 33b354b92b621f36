"""Whether the disk that a run writes to is full: what Airflow says then is about its database."""

import shutil
from pathlib import Path

_FULL = 1 << 20  # bytes; a file system keeps some blocks that a bigger write does not get


def full(folder: Path) -> tuple[str, ...]:
    """Return the line that says so; nothing while there is room, or the folder is gone."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ()
    return (f"the disk is full: make room for {folder}",) if free < _FULL else ()
