"""Checkpoints of other programs, read as far as each allows.

Hugging Face's ``checkpoint-N/`` says its step and loss in ``trainer_state.json``; a safetensors file
lists its tensors; a file of ``torch.save`` is a zip archive with a checksum for each member. What a
format does not say is missing from the document, so that a requirement of it fails.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import manifest, safetensors
from .storage import StorageClient

_HUGGING_FACE = re.compile(r"/checkpoint-(\d+)/trainer_state\.json$")
_WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})(\.[a-z]+)$")
_NUMBER = re.compile(r"\d+")
_LOSSES = ("loss", "train_loss", "eval_loss")

Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint: its folder or only file, the address of its trainer state, its weights by size."""

    place: str
    state: str | None
    weights: Sizes


def find(sizes: Sizes, address: str) -> Found | None:
    """Return the newest checkpoint among the objects at an address, None where there is none."""
    steps = {int(match[1]): name for name in sizes if (match := _HUGGING_FACE.search(name))}
    if steps:
        state = steps[max(steps)]
        folder = state.rpartition("/")[0]
        return Found(folder, state, _weights(sizes, f"{folder}/"))
    base = address.rstrip("/")
    files = _weights(sizes, base) if base in sizes else _weights(sizes, f"{base}/")
    if not files:
        return None
    newest = max(files, key=_numbers)
    shard = _SHARD.search(newest)
    if shard is None:
        return Found(newest, None, {newest: files[newest]})
    family = newest[: shard.start()]
    shards = {name: files.get(name, -1) for name in _shards(family, shard)}
    return Found(base, None, shards)


def _shards(family: str, shard: re.Match[str]) -> Iterator[str]:
    """Yield the files of a model in parts: `model-00001-of-00003.safetensors` and so on."""
    digits, total, rest = len(shard[1]), int(shard[2]), shard[3]
    yield from (f"{family}-{n:0{digits}}-of-{shard[2]}{rest}" for n in range(1, total + 1))


def document(store: StorageClient, found: Found) -> dict[str, Any]:
    """Return what a checkpoint says of itself, by the keys of a manifest."""
    made: dict[str, Any] = {"schema_version": manifest.SCHEMA_VERSION}
    if found.state is None:
        return made
    state: dict[str, Any] = dict(store.read_json(found.state))
    step, planned = state.get("global_step"), state.get("max_steps")
    if isinstance(step, int) and isinstance(planned, int):
        made["complete"] = step >= planned
    losses = [
        each[key] for each in state.get("log_history") or () for key in _LOSSES if key in each
    ]
    return {**made, "step": step, "planned_steps": planned, "loss": losses[-1] if losses else None}


def file_checks(
    store: StorageClient, found: Found, states: Sequence[str]
) -> Iterator[manifest.Check]:
    """Yield a check of each file of weights, and of each required state in them."""
    if not found.weights:
        yield {"check": "files", "passed": False, "detail": "there are no weights"}
    tensors: dict[str, list[bool]] = {name: [] for name in states}
    for address, size in found.weights.items():
        name = address.rpartition("/")[2]
        try:
            detail = _read(store, address, size, tensors)
        except (ValueError, LookupError, TypeError, zipfile.BadZipFile, EOFError) as error:
            yield {"check": f"content of {name}", "passed": False, "detail": str(error)}
        else:
            yield {"check": f"content of {name}", "passed": True, "detail": detail}
    for name, finite in tensors.items():
        state = {"tensors": len(finite), "finite": all(finite)} if finite else None
        yield manifest.state_check(name, state)


def _weights(sizes: Sizes, prefix: str) -> Sizes:
    """Return the files of weights directly below a prefix, or the one that has its name."""
    return {
        name: size
        for name, size in sizes.items()
        if name.startswith(prefix)
        and "/" not in name.removeprefix(prefix)
        and name.endswith(_WEIGHTS)
        # what Hugging Face writes beside the weights, in the same format
        and not name.rpartition("/")[2].startswith(
            ("optimizer", "scheduler", "rng_state", "training_args")
        )
    }


def _numbers(address: str) -> tuple[list[int], str]:
    """Order files as people number them: `epoch=3-step=40.ckpt` after `epoch=2-step=30.ckpt`."""
    name = address.rpartition("/")[2]
    return [int(each) for each in _NUMBER.findall(name)], name


def _read(store: StorageClient, address: str, size: int, tensors: Mapping[str, list[bool]]) -> str:
    """Read a file of weights to its end and note the tensors of each state; return what was seen."""
    if size < 0:
        raise ValueError("is missing")
    with store.open(address) as file:
        if not address.endswith(".safetensors"):
            return _read_archive(file)
        header, start = safetensors.read_header(file, size)
        for name, entry in header.items():
            finite = safetensors.is_finite(file, start, entry)
            for state, seen in tensors.items():
                if name == state or name.startswith(f"{state}."):
                    seen.append(finite)
    return f"{len(header)} tensors"


def _read_archive(file: Any) -> str:
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
        if damaged:
            raise ValueError(f"{damaged} does not match its checksum")
        return f"{len(archive.namelist())} members match their checksums"
