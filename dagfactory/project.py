"""The files of a project: which of them are specs, and what lies beside one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dagfactory.diagnostics import DagfactoryError

SUFFIXES = (".yaml", ".yml")
STDIN = Path("-")
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
    return sorted(
        each
        for suffix in SUFFIXES
        for each in folder.rglob(f"*{suffix}")
        if each.is_file() and is_spec(each.relative_to(folder.parent))
    )


def is_spec(path: Path) -> bool:
    """Whether the file at `path` inside a folder is a spec: no environment, no defaults."""
    hidden = any(part.startswith(".") for part in path.parts[1:])
    return not hidden and "environments" not in path.parts[:-1] and path.stem != "defaults"


def _folders(spec: Path) -> list[Path]:
    """Return the folder of a spec and those above, up to `specs` or the repository's root."""
    start = Path.cwd() / ("specs" if spec == STDIN else spec.parent)
    folders = []
    for folder in (start, *start.parents)[:_LEVELS]:
        folders.append(folder)
        if folder.name == "specs" or (folder / ".git").exists():
            break
    return folders


def beside(spec: Path, name: str) -> Path | None:
    """Return the nearest file or folder called `name` in the folders of a spec, or None."""
    found = (folder / name for folder in _folders(spec))
    return next((each for each in found if each.exists()), None)
