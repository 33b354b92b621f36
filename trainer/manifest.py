"""The manifest of a checkpoint: what makes a directory a checkpoint, and what must be true of it.

`manifest.json` is written last. It carries a sha256 of every file and one of itself, so that a
flipped bit anywhere is noticed. Nothing here needs torch.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from trainer.errors import TrainerError
from trainer.place import Place, SomePlace
from trainer.storage import read_file, storage_of

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


def step_of(directory: Place) -> int:
    """Step that a directory name stands for; minus one where it stands for none."""
    found = NAME.fullmatch(directory.name)
    return int(found[1]) if found else -1


def checkpoints(root: SomePlace) -> list[SomePlace]:
    """Checkpoint directories with a manifest, oldest first; links are none."""
    storage = storage_of(root)
    folders = [root / name[:-1] for name in storage.names(str(root)) if name.endswith("/")]
    steps = sorted((place for place in folders if step_of(place) >= 0), key=step_of)
    return [place for place in steps if MANIFEST in storage.names(str(place))]


def read_manifest(directory: Place) -> dict[str, Any]:
    """Read the manifest of a checkpoint; raises TrainerError with one line for any damage."""
    try:
        data = read_file(directory / MANIFEST, LARGEST)
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


def misplaced(document: Mapping[str, Any], directory: Place) -> str | None:
    """Say when the manifest is of another step than its directory."""
    named = step_of(directory)
    return None if named == document["step"] else f"it is of step {document['step']}"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: object) -> bool:
    return isinstance(value, str)


def read_state(directory: Place, document: Mapping[str, Any], largest: int) -> bytes:
    """Bytes of the state, equal to what the manifest says; raises TrainerError otherwise."""
    entry = document["files"][STATE]
    try:
        data = read_file(directory / STATE, largest)
    except FileNotFoundError:
        raise TrainerError(f"{directory.name}: {STATE} is missing") from None
    if len(data) != entry["bytes"]:
        raise TrainerError(f"{directory.name}: {STATE} has {len(data)} bytes, not {entry['bytes']}")
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise TrainerError(f"{directory.name}: {STATE} does not match its sha256")
    return data


def score(directory: Place) -> float:
    """Return the score of a checkpoint; minus infinity where it has none or is damaged."""
    try:
        value = read_manifest(directory).get("score")
    except TrainerError:
        return -math.inf
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else -math.inf
