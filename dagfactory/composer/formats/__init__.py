"""Forms of an environment: one module each, found by listing this folder. Imports what lies beside it.

A module defines `FILE`, the name of the file that `--out` writes, and `text(infrastructure) -> str`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from dagfactory.composer.infrastructure import Infrastructure


class Format(Protocol):
    """The interface of a module of this package."""

    FILE: str

    def text(self, infrastructure: Infrastructure) -> str:
        """Return the environment in this form, the same bytes for the same environment."""


def names() -> list[str]:
    """Return the names of all formats, importing none."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def load(name: str) -> Format:
    """Return the module of a format."""
    return cast("Format", import_module(f"{__name__}.{name}"))
