"""Curves for TensorBoard, where Vertex AI names a directory and its package is installed."""

from pathlib import Path
from typing import Any


def open_board(directory: Path | None, first: int) -> Any:
    """Return a writer of event files that hide what was written of step `first` and later.

    None without a directory; without the package, one line says so.
    """
    if directory is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("no curves for TensorBoard: the package tensorboard is not installed", flush=True)
        return None
    return SummaryWriter(str(directory), purge_step=first)
