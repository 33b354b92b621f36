"""A plan as a file: what `plan --out` writes and `sync PLAN` carries out, or nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from dagfactory.deploy.errors import DestinationError
from dagfactory.project.files import MOST, plainly, read_regular, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from dagfactory.compiler.bundle.bundle import Bundle


class SavedPlan(BaseModel):
    """What a plan was made from, what it leads to, and what changes by it.

    `manifest_generation` is that of the manifest in the destination's listing, None without one;
    `bundle` has the SHA-256 of every file that the specs render to, and `specs` are the paths that
    were planned, none for all. `state` is that of the sync's plan, empty where nobody asked for it.
    `changes` is for people and tools: a sync does not read it.
    """

    model_config = ConfigDict(strict=True, frozen=True)
    format: Literal[1] = 1
    environment: str
    destination: str
    manifest_generation: int | None
    bundle: dict[str, str]
    specs: list[str] = []
    state: str = ""
    changes: dict[str, Any] = {}


def bundle_hashes(bundle: Bundle) -> dict[str, str]:
    """Return path → SHA-256 of every file of a bundle, its manifest included."""
    return {path: hashlib.sha256(content).hexdigest() for path, content in bundle.files.items()}


def read(path: Path) -> SavedPlan:
    """Read a plan; raises DestinationError for a file that is not one, FileError for no file."""
    with plainly():
        content = read_regular(path)
    try:
        # a file of that size is not read to its end, and half of one is not JSON
        return SavedPlan.model_validate_json(content[:MOST])
    except (ValidationError, RecursionError):
        remedy = f"write one with `dagfactory plan --out {path}`"
        raise DestinationError(f"{path} is not a plan of this version; {remedy}") from None


def write(path: Path, plan: SavedPlan) -> None:
    """Write a plan whole or not at all; raises FileError."""
    text = json.dumps(plan.model_dump(), indent=2, sort_keys=True, ensure_ascii=True)
    with plainly():
        write_atomic(path, f"{text}\n".encode())
