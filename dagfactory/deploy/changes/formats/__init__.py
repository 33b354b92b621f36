"""Forms of a plan of changes: one module per form, found by listing this package.

A module's name is the form's name; it satisfies `Form`. It may import `deploy.changes` and `diagnostics`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from dagfactory.deploy.changes.model import Changes
    from dagfactory.report import Style


@dataclass(frozen=True, slots=True)
class Planned:
    """Changes with where they happen and one line that sums the files up."""

    environment: str
    destination: str
    changes: Changes
    summary: str


class Form(Protocol):
    """The interface of a module of this package."""

    def text(self, planned: Planned, style: Style) -> str:
        """Return the whole plan, with a final line break unless it is empty."""


def forms() -> list[str]:
    """Return the names of all forms."""
    # by their files: `--help` lists them
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def load_form(name: str) -> Form:
    """Return the module of a form; raises ModuleNotFoundError for an unknown name."""
    return cast("Form", import_module(f"{__name__}.{name}"))
