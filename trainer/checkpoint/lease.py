"""One trainer at a time writes into a directory of checkpoints.

The lease is a POSIX record lock: the kernel drops it with the process that holds it, however that
ends, so that none is ever stale. It tells the processes of one machine apart, not machines.
"""

import fcntl
import os
from pathlib import Path

from trainer.errors import TrainerError
from trainer.storage import Location

LEASE = ".lease"
_held: dict[Path, int] = {}  # they stay open: closing one drops its lock


def take(root: Location) -> None:
    """Take a directory until this process ends; raises TrainerError where another one writes to it."""
    if not isinstance(root, Path) or root.resolve() in _held:
        return
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / LEASE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise TrainerError(
            f"another trainer writes to {root}; wait for it, or use another output directory"
        ) from None
    except OSError:  # a file system without locks, as some mounts are
        os.close(handle)
        return
    _held[root.resolve()] = handle


def release(root: Location) -> None:
    """Give a directory back before this process ends."""
    handle = _held.pop(root.resolve(), None) if isinstance(root, Path) else None
    if handle is not None:
        os.close(handle)
