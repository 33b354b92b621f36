"""Checkpoints that are whole or not there.

A checkpoint is a directory `step-00001200/` with `state.pt` and, written last, `manifest.json`
holding a sha256 per file. A directory without a manifest is not a checkpoint.
"""

import io
import math
import random
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.errors import TrainerError
from trainer.files import (
    SCHEMA_VERSION,
    damaged_files,
    describe_files,
    fsync_directory,
    read_json,
    write_bytes,
    write_json,
)
from trainer.model import STATE_GROUPS

STATE = "state.pt"
MANIFEST = "manifest.json"
NAME = re.compile(r"step-(\d{8})")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is when a checkpoint is taken."""

    step: int
    epoch: int
    planned_steps: int
    loss: float
    score: float | None = None  # val_accuracy, where this step was evaluated

    @property
    def complete(self) -> bool:
        """Whether every planned step is done."""
        return self.step >= self.planned_steps


def save(root: Path, progress: Progress, state: dict[str, Any]) -> Path:
    """Write one checkpoint: each file through temporary, fsync and rename, the manifest last.

    Files are renamed, never directories: Cloud Storage FUSE refuses to rename a directory of a
    bucket without a hierarchical namespace, unless it is mounted for it.
    """
    directory = root / f"step-{progress.step:08d}"
    (directory / MANIFEST).unlink(missing_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(directory / STATE, buffer.getvalue())
    fsync_directory(directory)
    write_json(directory / MANIFEST, manifest(directory, progress, state["model"]))
    fsync_directory(directory)
    fsync_directory(root)
    return directory


def manifest(directory: Path, progress: Progress, model: dict[str, Tensor]) -> dict[str, Any]:
    """Describe a checkpoint for whoever judges it without torch."""
    return {
        "schema_version": SCHEMA_VERSION,
        "step": progress.step,
        "epoch": progress.epoch,
        "planned_steps": progress.planned_steps,
        "complete": progress.complete,
        "loss": progress.loss if math.isfinite(progress.loss) else None,
        "score": progress.score,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "states": {group: describe_group(model, group) for group in STATE_GROUPS},
        "files": describe_files(directory, [STATE]),
    }


def describe_group(model: dict[str, Tensor], group: str) -> dict[str, Any]:
    """Tensors and parameters of one state group, and whether all are finite."""
    tensors = [value for name, value in model.items() if name.split(".")[0] == group]
    return {
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors),
        "finite": all(bool(torch.isfinite(tensor).all()) for tensor in tensors),
    }


def checkpoints(root: Path) -> list[Path]:
    """Checkpoint directories with a manifest, oldest first."""
    if not root.is_dir():
        return []
    found = (path for path in root.iterdir() if NAME.fullmatch(path.name))
    return sorted(path for path in found if (path / MANIFEST).is_file())


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read the manifest of a checkpoint; raises TrainerError when it cannot be read."""
    document = read_json(directory / MANIFEST)
    if "files" not in document:
        raise TrainerError(f"{directory / MANIFEST} is not a checkpoint manifest")
    return document


def load_newest(root: Path, device: torch.device) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(manifest, state) of the newest undamaged checkpoint; says which ones it passes over."""
    for directory in reversed(checkpoints(root)):
        try:
            document = read_whole(directory)
        except TrainerError as error:
            print(f"damaged checkpoint passed over: {error}", flush=True)
            continue
        return document, torch.load(directory / STATE, map_location=device, weights_only=True)
    return None


def read_whole(directory: Path) -> dict[str, Any]:
    """Read the manifest and compare every file with it; raises TrainerError on damage."""
    document = read_manifest(directory)
    problems = damaged_files(directory, document["files"])
    if problems:
        raise TrainerError(f"{directory.name}: {problems[0]}")
    return document


def prune(root: Path, keep: int) -> None:
    """Keep the newest `keep` checkpoints and the best; drop the others and unfinished ones."""
    found = checkpoints(root)
    for path in root.iterdir():
        if NAME.fullmatch(path.name) and not (path / MANIFEST).exists():
            shutil.rmtree(path)
    best = max(found, key=lambda path: (score(path), path.name), default=None)
    for path in found[:-keep]:
        if path != best:
            (path / MANIFEST).unlink()
            shutil.rmtree(path)


def score(directory: Path) -> float:
    """Return the score of a checkpoint; minus infinity where it has none or is damaged."""
    try:
        value = read_manifest(directory).get("score")
    except TrainerError:
        value = None
    return -math.inf if value is None else float(value)


def random_state() -> dict[str, Any]:
    """State of the generators of python, numpy, torch and every CUDA device."""
    # The global generator of numpy is saved because libraries draw from it.
    kind, keys, position, gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys)), position, gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo what happened to the generators since `random_state`."""
    version, words, gauss_next = state["python"]
    random.setstate((version, tuple(words), gauss_next))
    kind, keys, position, gauss, cached = state["numpy"]
    np.random.set_state((kind, keys.cpu().numpy(), position, gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    _restore_cuda(state["cuda"])


def _restore_cuda(states: Iterable[Tensor]) -> None:
    states = [state.cpu() for state in states]
    if states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states)
