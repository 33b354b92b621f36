"""Files that are either whole or absent: atomic writes, checksums, metrics.json."""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainer.errors import TrainerError

SCHEMA_VERSION = 1
Pieces = Sequence[bytes | memoryview]  # of one file, in their order


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file through a temporary neighbour, fsync and rename."""
    write_pieces(path, [data])


def write_pieces(path: Path, pieces: Pieces) -> None:
    """Write a file in pieces through a temporary neighbour, fsync and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name, not one per process: what a killed writer leaves is overwritten by the next.
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as stream:
        stream.writelines(pieces)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write indented JSON atomically; NaN and infinities are refused."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; raises TrainerError with one line when there is none."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise TrainerError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TrainerError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise TrainerError(f"{path} does not hold a JSON mapping")
    return document


def fsync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe_files(directory: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """`{name: {"sha256", "bytes"}}` of files in a directory."""
    return {
        name: {"sha256": sha256(directory / name), "bytes": (directory / name).stat().st_size}
        for name in names
    }


def describe_pieces(pieces: Pieces) -> dict[str, str | int]:
    """`{"sha256", "bytes"}` of a file made of pieces."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return {"sha256": digest.hexdigest(), "bytes": sum(map(len, pieces))}


def damaged_files(directory: Path, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare files with their description; one line for each problem."""
    problems = (damage(directory, name, expected) for name, expected in files.items())
    return [problem for problem in problems if problem]


def damage(directory: Path, name: str, expected: object) -> str | None:
    """Compare one file with its description; a name that leaves the directory is a problem."""
    path = directory / name
    if name != Path(name).name or path.is_symlink():
        return f"{name} is not a plain file of {directory}"
    if not isinstance(expected, Mapping) or not {"bytes", "sha256"} <= expected.keys():
        return f"{name} has no checksum"
    if not path.is_file():
        return f"{name} is missing"
    if path.stat().st_size != expected["bytes"]:
        return f"{name} has {path.stat().st_size} bytes, not {expected['bytes']}"
    return None if sha256(path) == expected["sha256"] else f"{name} does not match its sha256"


def check_model(directory: Path) -> None:
    """Compare a model directory with its manifest, where it has one; raises TrainerError."""
    if (directory / "manifest.json").is_file():
        files = read_json(directory / "manifest.json").get("files")
        problems = damaged_files(directory, files) if isinstance(files, dict) else ["no checksums"]
        if problems:
            raise TrainerError(f"damaged model in {directory}: {problems[0]}")


def write_manifest(directory: Path, names: list[str]) -> None:
    """Write manifest.json: sha256 and size of each named file of a model directory."""
    manifest = {"schema_version": SCHEMA_VERSION, "files": describe_files(directory, names)}
    write_json(directory / "manifest.json", manifest)


def write_metrics(directory: Path, metrics: Mapping[str, float], step: int) -> None:
    """Write metrics.json, the last file of a finished program; non-finite numbers become null."""
    values = {
        name: value if math.isfinite(value) else None for name, value in sorted(metrics.items())
    }
    document = {
        "schema_version": SCHEMA_VERSION,
        "metrics": values,
        "step": step,
        "complete": True,
    }
    write_json(directory / "metrics.json", document)
