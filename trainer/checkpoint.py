"""Checkpoints that are whole or not there.

A checkpoint is a directory `step-00001200/` with `state.safetensors` and, written last,
`manifest.json` holding a sha256 per file. A directory without a manifest is not a checkpoint.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainer.errors import OtherRunError, TrainerError
from trainer.files import SCHEMA_VERSION, Pieces, describe_pieces
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
from trainer.place import Place
from trainer.state import State, check_state, unpack
from trainer.storage import storage_of
from trainer.tensors import all_finite


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is when a checkpoint is taken."""

    step: int
    epoch: int
    planned_steps: int
    complete: bool
    loss: float
    score: float | None = None  # the headline metric, where this step was evaluated


def save(root: Place, progress: Progress, groups: dict[str, Any], data: Pieces) -> Place:
    """Write one checkpoint, the manifest last."""
    storage, directory = storage_of(root), directory_of(root, progress.step)
    if directory.name in storage.names(str(root)):  # no folder: a link, or a file
        storage.remove(str(directory))
    storage.remove(str(directory / MANIFEST))
    storage.write(str(directory / STATE), data)
    storage.write(str(directory / MANIFEST), [seal(manifest(progress, groups, data))])
    return directory


def directory_of(root: Place, step: int) -> Place:
    """Directory of a step's checkpoint."""
    return root / f"step-{step:08d}"


def manifest(progress: Progress, groups: dict[str, Any], data: Pieces) -> dict[str, Any]:
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
        "files": {STATE: describe_pieces(data)},
    }


def finite(value: float | None) -> float | None:
    """Return a number that JSON can hold, None for any other."""
    return value if value is not None and math.isfinite(value) else None


def describe_groups(model: dict[str, Tensor]) -> dict[str, Any]:
    """Describe every state group of a model: its direct children, whichever network it is."""
    groups = dict.fromkeys(name.split(".")[0] for name in model)
    return {group: describe_group(model, group) for group in groups}


def describe_group(model: dict[str, Tensor], group: str) -> dict[str, Any]:
    """Tensors and parameters of one state group, and whether all are finite."""
    tensors = [value for name, value in model.items() if name.split(".")[0] == group]
    return {
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors),
        "finite": all(map(all_finite, tensors)),
    }


def load_newest(root: Place, model: nn.Module, identity: dict[str, Any]) -> State | None:
    """State of the newest undamaged checkpoint; says which ones it passes over.

    Raises OtherRunError for one of another run, which must not be passed over: beginning anew
    beside it would end in pruning it.
    """
    for directory in reversed(checkpoints(root)):
        try:
            return load(directory, model, identity)
        except OtherRunError:
            raise
        except TrainerError as error:
            print(f"damaged checkpoint passed over: {error}", flush=True)
    return None


def load(directory: Place, model: nn.Module, identity: dict[str, Any]) -> State:
    """Read one checkpoint and look at every byte and every tensor; raises TrainerError."""
    document = read_manifest(directory)
    data = read_state(directory, document, largest_state(model))
    try:
        state = unpack(data)
        refuse_other_run(identity, state.identity)
        check_state(state, model, list(model.parameters()))
        check_processes(len(state.random), identity.get("processes", 1))
    except OtherRunError:
        raise
    except TrainerError as error:
        raise TrainerError(f"{directory.name}: {error}") from None
    if state.step != document["step"]:
        raise TrainerError(f"{directory.name}: its state is of step {state.step}")
    return state


def refuse_other_run(now: dict[str, Any], then: dict[str, Any]) -> None:
    """Raise OtherRunError for a checkpoint of other settings or data."""
    changed = [name for name in now if now[name] != then.get(name)]
    if changed:
        name = changed[0]
        raise OtherRunError(
            f"the checkpoint was made with {name}={then.get(name)!r}, this run has "
            f"{now[name]!r}; use another output directory"
        )


def check_processes(found: int, expected: int) -> None:
    """Raise TrainerError unless every process finds the state of its generators."""
    if found != expected:
        raise TrainerError(f"generators of {found} processes, not of {expected}")


def largest_state(model: nn.Module) -> int:
    """Bytes that no state of this model exceeds: weights, two moments, and room for the rest."""
    weights: dict[str, Tensor] = model.state_dict()
    return 4 * sum(value.nbytes for value in weights.values()) + 2**24


def prune(root: Place, keep: int, step: int) -> None:
    """Keep the newest `keep` checkpoints up to `step` and the best; drop what is unfinished.

    A checkpoint beyond `step`, which was just saved, could not be read when this run began:
    left in place it would count as the newest and push the good ones out.
    """
    found = [path.name for path in checkpoints(root)]
    past = [name for name in found if step_of(root / name) <= step]
    best = max(past, key=lambda name: (score(root / name), name), default=None)
    for name in (name.rstrip("/") for name in storage_of(root).names(str(root))):
        if step_of(root / name) >= 0 and name not in {best, *past[-keep:]}:
            _remove(root / name)


def _remove(place: Place) -> None:
    """Remove a checkpoint, its manifest first: half a directory is none."""
    storage = storage_of(place)
    if f"{place.name}/" in storage.names(str(place.parent)):
        storage.remove(str(place / MANIFEST))
    storage.remove(str(place))
