"""What a template of Airflow's uses, each with its place: variables with their attributes, filters, tests.

Where a template can decide at run time (`if`, `or`, `default`) nothing is certain, and each use says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["always", "asked", "maybe"]
"""Whether a part is evaluated whenever the template is: it is asked where a decision hangs on it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A variable and the attributes read from it (`dag_run`, `conf`, `day`), each with its offset."""

    name: str
    start: int
    keys: tuple[tuple[str, int], ...]
    where: Where

    @property
    def chain(self) -> tuple[str, ...]:
        """Return the variable and its attributes."""
        return (self.name, *(key for key, _ in self.keys))

    @property
    def path(self) -> tuple[str, ...]:
        """Return the same without `get`: `conf.get('x')` reads what `conf['x']` reads."""
        return tuple(key for key in self.chain if key != "get")


@dataclass(frozen=True, slots=True)
class Called:
    """A filter or a test by its name."""

    kind: Literal["filter", "test"]
    name: str
    start: int


@dataclass(frozen=True, slots=True)
class Template:
    """What a text uses; `printed` is the part of it that stands in the rendered text, as it is."""

    uses: tuple[Use, ...] = ()
    called: tuple[Called, ...] = ()
    printed: tuple[Use, ...] = ()
