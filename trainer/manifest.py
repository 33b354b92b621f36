"""The manifest of a checkpoint: what makes a directory a checkpoint, and what must be true of it.

`manifest.json` is written last. It carries a sha256 of every file and one of itself, so that a
flipped bit anywhere is noticed. Nothing here needs torch.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError

STATE = "state.safetensors"
MANIFEST = "manifest.json"
NAME = re.compile(r"step-(\d{8,12})")
SEAL = "sha256"
LARGEST = 2**20  # bytes of a manifest; ours have about 2 kB


def seal(document: Mapping[str, Any]) -> bytes:
    """Write a manifest as bytes, with the sha256 of everything else in it under `sha256`."""
    body = {key: value for key, value in document.items() if key != SEAL}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return (json.dumps(body | {SEAL: digest}, indent=2, allow_nan=False) + "\n").encode()


def step_of(directory: Path) -> int:
    """Step that a directory name stands for; minus one where it stands for none."""
    found = NAME.fullmatch(directory.name)
    return int(found[1]) if found else -1


def checkpoints(root: Path) -> list[Path]:
    """Checkpoint directories with a manifest, oldest first; links are none."""
    if not root.is_dir():
        return []
    found = (path for path in root.iterdir() if step_of(path) >= 0 and not path.is_symlink())
    return sorted((path for path in found if (path / MANIFEST).is_file()), key=step_of)


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read the manifest of a checkpoint; raises TrainerError with one line for any damage."""
    try:
        data = read_plain(directory / MANIFEST, LARGEST)
        document = json.loads(data)
        whole = isinstance(document, dict) and data == seal(document)
    except FileNotFoundError:
        raise TrainerError(f"{directory / MANIFEST} is missing") from None
    except (ValueError, RecursionError) as error:
        raise TrainerError(f"{directory.name}: {MANIFEST} cannot be read: {error}") from None
    if not whole:
        raise TrainerError(f"{directory.name}: {MANIFEST} does not match its sha256")
    problem = malformed(document) or misplaced(document, directory)
    if problem:
        raise TrainerError(f"{directory.name}: {MANIFEST}: {problem}")
    return dict(document)


def malformed(document: Mapping[str, Any]) -> str | None:
    """Say what a manifest lacks; None when it has all that reading a checkpoint needs."""
    files = document.get("files")
    if not isinstance(files, dict) or list(files) != [STATE]:
        return f"'files' must name {STATE} and nothing else"
    entry = files[STATE]
    if not (isinstance(entry, dict) and _whole(entry.get("bytes")) and _text(entry.get("sha256"))):
        return f"{STATE} needs 'bytes' and 'sha256'"
    if not (_whole(document.get("step")) and _whole(document.get("planned_steps"))):
        return "'step' and 'planned_steps' must be whole numbers"
    return None


def misplaced(document: Mapping[str, Any], directory: Path) -> str | None:
    """Say when the manifest is of another step than its directory."""
    named = step_of(directory)
    return None if named == document["step"] else f"it is of step {document['step']}"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: object) -> bool:
    return isinstance(value, str)


def read_plain(path: Path, largest: int) -> bytes:
    """Read a plain file of at most so many bytes; raises TrainerError for anything else."""
    name = f"{path.parent.name}: {path.name}"
    if path.is_symlink():
        raise TrainerError(f"{name} is a link")
    if path.exists() and not path.is_file():
        raise TrainerError(f"{name} is not a plain file")
    size = path.stat().st_size
    if size > largest:
        raise TrainerError(f"{name} has {size} bytes, more than the {largest} expected at most")
    with path.open("rb") as stream:
        return stream.read(largest + 1)


def read_state(directory: Path, document: Mapping[str, Any], largest: int) -> bytes:
    """Bytes of the state, equal to what the manifest says; raises TrainerError otherwise."""
    entry = document["files"][STATE]
    try:
        data = read_plain(directory / STATE, largest)
    except FileNotFoundError:
        raise TrainerError(f"{directory.name}: {STATE} is missing") from None
    if len(data) != entry["bytes"]:
        raise TrainerError(f"{directory.name}: {STATE} has {len(data)} bytes, not {entry['bytes']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise TrainerError(f"{directory.name}: {STATE} does not match its sha256")
    return data


def score(directory: Path) -> float:
    """Return the score of a checkpoint; minus infinity where it has none or is damaged."""
    try:
        value = read_manifest(directory).get("score")
    except TrainerError:
        return -math.inf
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else -math.inf
