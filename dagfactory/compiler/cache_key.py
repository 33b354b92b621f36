"""What one DAG file is made from, as one hash: the spec, what lies beside it, this program, its libraries."""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import dagfactory
from dagfactory.catalogue import bundled_trainer
from dagfactory.dagfile.templates import template_folder
from dagfactory.project.specs import STDIN, SUFFIXES, beside, source_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("jinja2", "markupsafe", "pydantic", "pydantic_core", "yaml")
"""What takes part in compiling and is not ours."""


class Inputs:
    """Hashes of specs for one environment; the files that specs share are read once."""

    def __init__(self, environment: str | None) -> None:
        self._environment = environment
        self._beside: dict[Path, bytes | None] = {}

    def key(self, spec: Path) -> str | None:
        """Return the hash of a spec's inputs; None when one cannot be read."""
        shared = self._shared(spec.parent) if spec != STDIN else None
        try:
            content = spec.read_bytes() if shared else b""
        except OSError:
            return None
        if shared is None:
            return None
        name = os.fsencode(spec.resolve() if spec.is_symlink() else spec.name)
        return _hash([self._program, shared, name, content])

    @cached_property
    def _program(self) -> bytes:
        return _hash(program()).encode()

    def _shared(self, folder: Path) -> bytes | None:
        """Return the hash of what all specs of a folder share; None when it cannot be read."""
        if folder not in self._beside:
            try:
                self._beside[folder] = _hash(_around(folder, self._environment)).encode()
            except OSError:
                self._beside[folder] = None
        return self._beside[folder]


def _around(folder: Path, environment: str | None) -> Iterator[bytes]:
    """Yield what a spec of a folder sees beside itself: defaults, the environments, its place."""
    spec = folder / "spec.yaml"
    yield os.fsencode(folder.resolve())
    yield repr((environment, bundled_trainer.of_project(source_folders(spec)))).encode()
    defaults = beside(spec, "defaults.yaml")
    yield defaults.read_bytes() if defaults and defaults.is_file() else repr(defaults).encode()
    environments = beside(spec, "environments")
    if environments:
        files = sorted(each for each in environments.iterdir() if each.suffix in SUFFIXES)
        for file in files:
            yield os.fsencode(file)
            yield file.read_bytes() if file.stem == environment else b""


def program() -> Iterator[bytes]:
    """Yield what this program is: its files, the trainer's settings, the templates, Python, libraries."""
    package = Path(dagfactory.__file__).parent
    settings = [os.fspath(bundled_trainer.settings_file())]
    for files in (_files(package), settings, _files(template_folder())):
        for path in sorted(files):
            yield os.fsencode(path)
            yield Path(path).read_bytes()
    yield repr((sys.version, bundled_trainer.installed())).encode()
    for name in LIBRARIES:
        found = find_spec(name)
        state = os.stat(found.origin) if found and found.origin else None  # noqa: PTH116 - one call
        yield repr((found and found.origin, state and (state.st_mtime_ns, state.st_size))).encode()


def _files(folder: Path) -> Iterator[str]:
    """Yield every file of a folder that Python did not put there."""
    for top, inner, names in os.walk(folder):
        inner[:] = [each for each in inner if each != "__pycache__"]
        yield from (os.path.join(top, name) for name in names)  # noqa: PTH118 - hundreds of them


def _hash(parts: Iterator[bytes] | list[bytes]) -> str:
    """Return the SHA-256 of parts, each with its length before it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
