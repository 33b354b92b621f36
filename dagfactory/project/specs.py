"""The files of a project: which of them are specs, and what lies beside one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.project.code import Project, Reads

SUFFIXES = (".yaml", ".yml")
SPECS = Path("specs")
"""Where specs are when no path is given."""
STDIN = Path("-")
_ENVIRONMENTS = "environments"
_DEFAULTS = "defaults"
USAGE = "usage"
"""The folder of files that say how much pipelines use."""
_NO_SPECS = (_ENVIRONMENTS, USAGE)
_LEVELS = 3


class NoInputError(DagfactoryError):
    """Nothing to work on."""

    exit_code = 3


def find_specs(paths: Iterable[Path]) -> list[Path]:
    """Return the specs among files and folders, each once; `-` stands for standard input.

    In folders, `environments/`, `usage/`, `defaults.yaml` and hidden files are left out. Raises NoInputError
    for a path that does not exist and when nothing is found.
    """
    given = list(paths)
    found: dict[Path, None] = {}
    for path in given:
        if path != STDIN and not _exists(path):
            raise NoInputError(f"no such file or folder: {path}{_advice(path)}")
        found.update(dict.fromkeys(_specs_in(path) if path.is_dir() else [path]))
    if not found:
        raise NoInputError(f"no specs (*.yaml) found in {', '.join(map(str, given)) or 'nothing'}")
    return list(found)


def _advice(path: Path) -> str:
    """Tell those who are in no project yet, or in another folder of it, how to go on."""
    if path != SPECS:
        return ""
    here = Path.cwd()
    top = next((each for each in here.parents if (each / SPECS).is_dir()), None)
    if top:
        return f"; the project is further up: cd {Path(*['..'] * here.parents.index(top), '..')}"
    return "; go to the folder that holds it, or start a project with `dagfactory init`"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, a folder that may not be entered
        return False


def _specs_in(folder: Path) -> list[Path]:
    if folder.resolve().name in _NO_SPECS:
        return []
    return sorted(each for each in yaml_files(folder) if _is_spec(each.relative_to(folder)))


def yaml_files(folder: Path) -> Iterator[Path]:
    """Yield the YAML files of a folder and those below; nothing hidden is looked into (`.venv`, `.git`)."""
    for top, inner, names in os.walk(folder):
        inner[:] = [each for each in inner if each[0] != "."]
        wanted = (name for name in names if name.endswith(SUFFIXES) and name[0] != ".")
        yield from (each for each in (Path(top, name) for name in wanted) if not each.is_dir())


def _is_spec(path: Path) -> bool:
    """Whether the file at `path` inside a folder is a spec: no environment, no usage, no defaults."""
    return not set(_NO_SPECS) & set(path.parts[:-1]) and path.stem != _DEFAULTS


def _folders(spec: Path) -> Iterator[Path]:
    """Yield the folder of a spec and those above, up to `specs` or the repository's root."""
    start = Path.cwd() / ("specs" if spec == STDIN else spec.parent)
    folder = start
    for _ in range(_LEVELS):
        yield folder
        if folder.name == "specs" or (folder / ".git").exists():
            return
        folder = folder.parent


def project_of(spec: Path, reads: Reads | None = None) -> Project:
    """Return the project of a spec; what is read of it is taken from `reads`, and kept there."""
    # the whole path: from within `specs` nothing shows that a file lies there
    start = Path.cwd() / "specs" if spec == STDIN else spec.parent.absolute()
    return Project((start, _root(start / spec.name) or start), source_folders(spec), reads)


def source_folders(spec: Path) -> tuple[Path, ...]:
    """Return where Python packages of a spec's project may lie: its root, the working folder, their `src`.

    The root is the folder that holds `specs`, or the repository's; not every spec has one.
    """
    own = _root(spec)
    roots = [own] if own else []
    return tuple(
        dict.fromkeys(folder for each in (*roots, Path.cwd()) for folder in (each, each / "src"))
    )


def _root(spec: Path) -> Path | None:
    """Return the folder that holds `specs`, or the repository's, or None."""
    *_, last = _folders(spec)
    if last.name == "specs":
        return last.parent
    return last if (last / ".git").exists() else None


def beside(spec: Path, name: str) -> Path | None:
    """Return the nearest folder called `name` in the folders of a spec, or None."""
    found = (folder / name for folder in _folders(spec))
    return next((each for each in found if each.is_dir()), None)


def defaults_beside(spec: Path) -> list[Path]:
    """Return the files of defaults that hold for a spec, the nearest one, which is the strongest, last."""
    found = [
        folder / f"{_DEFAULTS}{suffix}"
        for folder in _folders(spec)
        for suffix in SUFFIXES
        if (folder / f"{_DEFAULTS}{suffix}").is_file()
    ]
    return found[::-1]


def shown_in_header(path: Path) -> str:
    """Return a spec's path as the rendered file names it: from its `specs` folder on, else its name."""
    parts = path.resolve().parts
    if "specs" in parts[:-1]:
        start = len(parts) - 1 - parts[::-1].index("specs")
        return "/".join(parts[start:])
    return path.name
