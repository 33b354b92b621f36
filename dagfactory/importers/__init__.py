"""What turns files of other tools into specs: one module per format, found by listing this package.

A module's name is the format's name; it satisfies `Importer`. Modules whose name begins with an
underscore are shared by importers. It may import the compiler and what lies below it, never `run`,
`deploy` or `authoring`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.importers._remarks import Remark


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one DAG of a file: its spec (None when it could not be imported) and remarks."""

    dag: str
    pipeline: str
    text: str | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """The result for one file: its DAGs, and the remarks on the file as a whole."""

    outcomes: tuple[Outcome, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import with the files of defaults that hold for it, the strongest last."""

    file: SourceFile
    defaults: tuple[SourceFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says of the files: `since` is the line of Airflow that they were written for."""

    since: Literal["2", "3", ""] = ""


class Importer(Protocol):
    """The interface of a module of this package."""

    def read(self, sources: Sequence[Source], options: Options) -> list[Imported]:
        """Turn files into specs, one result for each; names that change do so in all of them."""


def formats() -> list[str]:
    """Return the names of all formats, without importing one."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def importer(name: str) -> Importer:
    """Return the module of a format; raises KeyError for a name that is not a format."""
    if name not in formats():
        raise KeyError(name)
    return cast("Importer", import_module(f"{__name__}.{name}"))
