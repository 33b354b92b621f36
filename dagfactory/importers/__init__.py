"""Importers: one module per foreign format, found by listing this package.

A module's name is the format's name; it defines `read(source, defaults) -> Imported`. Modules whose
name begins with an underscore are parts shared by importers.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.importers._remarks import Remark


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one DAG of a file: its spec (None when it could not be imported), the remarks."""

    dag: str
    pipeline: str
    text: str | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: each DAG in it, and what concerns the file as a whole."""

    outcomes: tuple[Outcome, ...]
    remarks: tuple[Remark, ...] = ()


class Importer(Protocol):
    """The interface of a module of this package."""

    def read(self, source: SourceFile, defaults: Sequence[SourceFile]) -> Imported:
        """Turn a file into specs; `defaults` are files that hold for it, the strongest last."""


def formats() -> list[str]:
    """Return the names of all formats, importing none."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def importer(name: str) -> Importer:
    """Return the module of a format; raises KeyError for a name that is none."""
    if name not in formats():
        raise KeyError(name)
    return cast("Importer", import_module(f"{__name__}.{name}"))
