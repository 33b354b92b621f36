"""What executes on Composer: operators, alerts and pure helpers, copied into every bundle.

It may import the standard library, Airflow's compatibility layer and, inside functions, the Google
provider; nothing of dagfactory. Modules that DAG files name (`job`, `sweep`, `pack`, `tune`, `gate`,
`checkpoint`, `registry`, `endpoint`, `lazy`, `call`, `items`, `alert`, `assets`) keep their names.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any


class _Later:
    """A module that is imported when something of it is used: most are needed by a running task alone."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # `copy` and `pickle` make one without a name and ask it how it is restored: as any object is
        if attribute == "_name" or attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)


if not TYPE_CHECKING:  # a type checker reads the modules themselves

    def __getattr__(name: str) -> _Later:
        """Return a module of this package, for `from . import name`."""
        # Airflow's DAG processor imports the operators anew for each DAG file that it parses
        if not Path(__file__).with_name(f"{name}.py").exists():
            raise AttributeError(name)
        return _Later(f"{__name__}.{name}")
