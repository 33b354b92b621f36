"""The questions of `doctor`: one module each, found by listing this folder. Imports what lies beside it.

A module defines `check(patient) -> Iterator[Line]`. It may raise AnswerError, and fail over an answer of
another shape than expected: `doctor` makes a line of either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.composer.airflow_client import AirflowClient
    from dagfactory.composer.needs import Needs
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.rest.google_client import GoogleClient


@dataclass(frozen=True, slots=True)
class Line:
    """One finding of `doctor`: what was looked at and how it is; `fix` says what to do about it."""

    text: str
    fix: str | None = None

    @property
    def is_good(self) -> bool:
        """Return whether there is nothing to do."""
        return self.fix is None


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: an environment, what the specs want of it, and whom to ask.

    `airflow` is None where it cannot be asked, which one check says for all.
    """

    environment: EnvironmentFile
    plans: tuple[Plan, ...]
    needs: Needs
    google: GoogleClient
    airflow: AirflowClient | None


Check: TypeAlias = Callable[[Patient], Iterator[Line]]


def names() -> list[str]:
    """Return the names of all checks, in the order in which they are made."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def load(name: str) -> Check:
    """Return a check."""
    check: Check = import_module(f"{__name__}.{name}").check
    return check
