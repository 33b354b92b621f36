"""Targets: one module per Airflow line, each saying where that line keeps what a DAG file imports.

A target module defines `TARGET`; dropping a module into this package is all that a new line needs.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from dagfactory.dagfile.model import Symbol

_SDK = "airflow.providers.common.compat.sdk"

COMPATIBLE = {
    "DAG": _SDK,
    "Param": _SDK,
    "TaskGroup": _SDK,
    # always installed with Airflow; takes the time zone by name, and both lines serialize it
    "datetime": "pendulum",
    "timedelta": "datetime",
    "Asset": _SDK,
    "AssetAll": _SDK,
    "AssetAny": _SDK,
    "BashOperator": "airflow.providers.standard.operators.bash",
    "EmptyOperator": "airflow.providers.standard.operators.empty",
}
"""Imports that serve 2.11 and 3.x from one text and warn in neither.

A line that departs says so in its own module: `modules=COMPATIBLE | {…}`.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """An Airflow line: its name in environment files, the version it is tested on, its imports.

    `words` holds the classes and arguments that this line calls otherwise than Airflow 3.
    `deadlines` says whether it can tell that a run is late.
    """

    name: str
    airflow: str
    modules: dict[str, str]
    words: dict[str, str] = field(default_factory=dict)
    deadlines: bool = True

    def symbol(self, name: str) -> Symbol:
        """Return where this line imports `name` from; KeyError is a bug in the compiler."""
        return Symbol(self.modules[name], self.word(name))

    def word(self, name: str) -> str:
        """Return what this line calls a class or an argument of Airflow 3."""
        return self.words.get(name, name)


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@cache
def target(name: str) -> Target:
    """Return the target called `name`; raises KeyError when there is none."""
    if name not in names():
        raise KeyError(name)
    found: Target = import_module(f"{__name__}.{name}").TARGET
    return found
