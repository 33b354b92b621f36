"""Checkpoints that are whole or not there.

A checkpoint is a directory `step-00001200/` with `state.safetensors` and, written last,
`manifest.json` holding a sha256 per file. A directory without a manifest is not a checkpoint.
"""

import math
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainer.errors import TrainerError
from trainer.files import SCHEMA_VERSION, describe_files, fsync_directory, write_bytes
from trainer.manifest import (
    MANIFEST,
    STATE,
    checkpoints,
    read_manifest,
    read_state,
    score,
    seal,
    step_of,
)
from trainer.model import STATE_GROUPS
from trainer.state import State, check_state, unpack


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is when a checkpoint is taken."""

    step: int
    epoch: int
    planned_steps: int
    complete: bool
    loss: float
    score: float | None = None  # the headline metric, where this step was evaluated


def save(root: Path, progress: Progress, groups: dict[str, Any], data: bytes) -> Path:
    """Write one checkpoint: each file through temporary, fsync and rename, the manifest last.

    Files are renamed, never directories: Cloud Storage FUSE refuses to rename a directory of a
    bucket without a hierarchical namespace, unless it is mounted for it.
    """
    directory = root / f"step-{progress.step:08d}"
    discard_odd(directory)
    (directory / MANIFEST).unlink(missing_ok=True)
    write_bytes(directory / STATE, data)
    fsync_directory(directory)
    write_bytes(directory / MANIFEST, seal(manifest(directory, progress, groups)))
    fsync_directory(directory)
    fsync_directory(root)
    return directory


def discard_odd(path: Path) -> None:
    """Remove a link or a file that stands where a checkpoint directory belongs."""
    if path.is_symlink() or path.is_file():
        path.unlink()


def manifest(directory: Path, progress: Progress, groups: dict[str, Any]) -> dict[str, Any]:
    """Describe a checkpoint for whoever judges it without torch."""
    return {
        "schema_version": SCHEMA_VERSION,
        "step": progress.step,
        "epoch": progress.epoch,
        "planned_steps": progress.planned_steps,
        "complete": progress.complete,
        "loss": finite(progress.loss),
        "score": finite(progress.score),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "states": groups,
        "files": describe_files(directory, [STATE]),
    }


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold, None for any other."""
    return value if value is not None and math.isfinite(value) else None


def describe_groups(model: dict[str, Tensor]) -> dict[str, Any]:
    """Describe every state group of a model."""
    return {group: describe_group(model, group) for group in STATE_GROUPS}


def describe_group(model: dict[str, Tensor], group: str) -> dict[str, Any]:
    """Tensors and parameters of one state group, and whether all are finite."""
    tensors = [value for name, value in model.items() if name.split(".")[0] == group]
    return {
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors),
        "finite": all(bool(torch.isfinite(tensor).all()) for tensor in tensors),
    }


def load_newest(root: Path, model: nn.Module) -> State | None:
    """State of the newest undamaged checkpoint that fits; says which ones it passes over."""
    for directory in reversed(checkpoints(root)):
        try:
            return load(directory, model)
        except TrainerError as error:
            print(f"damaged checkpoint passed over: {error}", flush=True)
    return None


def load(directory: Path, model: nn.Module) -> State:
    """Read one checkpoint and look at every byte and every tensor; raises TrainerError."""
    document = read_manifest(directory)
    data = read_state(directory, document, largest_state(model))
    try:
        state = unpack(data)
        check_state(state, model, list(model.parameters()))
    except TrainerError as error:
        raise TrainerError(f"{directory.name}: {error}") from None
    if state.step != document["step"]:
        raise TrainerError(f"{directory.name}: its state is of step {state.step}")
    return state


def largest_state(model: nn.Module) -> int:
    """Bytes that no state of this model exceeds: weights, two moments, and room for the rest."""
    weights: dict[str, Tensor] = model.state_dict()
    return 4 * sum(value.nbytes for value in weights.values()) + 2**24


def prune(root: Path, keep: int, step: int) -> None:
    """Keep the newest `keep` checkpoints up to `step` and the best; drop what is unfinished.

    A checkpoint beyond `step`, which was just saved, could not be read when this run began:
    left in place it would count as the newest and push the good ones out.
    """
    for path in root.iterdir():
        if step_of(path) >= 0 and not (path / MANIFEST).is_file():
            _remove(path)
    found = checkpoints(root)
    past = [path for path in found if step_of(path) <= step]
    best = max(past, key=lambda path: (score(path), step_of(path)), default=None)
    for path in found:
        if path not in past[-keep:] and path != best:
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a checkpoint, its manifest first: half a directory is none."""
    discard_odd(path)
    if path.is_dir():
        (path / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(path)
