"""The files of a project: which of them are specs, and what lies beside one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dagfactory.diagnostics import DagfactoryError

SUFFIXES = (".yaml", ".yml")
STDIN = Path("-")
_ENVIRONMENTS = "environments"
_LEVELS = 3


class NoInputError(DagfactoryError):
    """Nothing to work on."""

    exit_code = 3


def find_specs(paths: Iterable[Path]) -> list[Path]:
    """Return the specs among files and folders, each once; `-` stands for standard input.

    In folders, `environments/`, `defaults.yaml` and hidden files are left out. Raises NoInputError
    for a path that does not exist and when nothing is found.
    """
    given = list(paths)
    found: dict[Path, None] = {}
    for path in given:
        if path != STDIN and not path.exists():
            raise NoInputError(f"no such file or folder: {path}")
        found.update(dict.fromkeys(_specs_in(path) if path.is_dir() else [path]))
    if not found:
        raise NoInputError(f"no specs (*.yaml) found in {', '.join(map(str, given)) or 'nothing'}")
    return list(found)


def _specs_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for top, inner, names in os.walk(folder) if folder.name != _ENVIRONMENTS else ():
        inner[:] = [each for each in inner if each[0] != "." and each != _ENVIRONMENTS]
        found += (Path(top, each) for each in names if _is_spec(each))
    return sorted(each for each in found if each.is_file())


def _is_spec(name: str) -> bool:
    """Whether a file called so is a spec where it is no environment: not hidden, no defaults."""
    return name.endswith(SUFFIXES) and name[0] != "." and name.rpartition(".")[0] != "defaults"


def _folders(spec: Path) -> Iterator[Path]:
    """Yield the folder of a spec and those above, up to `specs` or the repository's root."""
    start = Path.cwd() / ("specs" if spec == STDIN else spec.parent)
    folder = start
    for _ in range(_LEVELS):
        yield folder
        if folder.name == "specs" or (folder / ".git").exists():
            return
        folder = folder.parent


def beside(spec: Path, name: str) -> Path | None:
    """Return the nearest file or folder called `name` in the folders of a spec, or None."""
    found = (folder / name for folder in _folders(spec))
    return next((each for each in found if each.exists()), None)
