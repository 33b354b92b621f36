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
from dagfactory.diagnostics.limits import FILE
from dagfactory.project.files import leads_out, read_regular
from dagfactory.project.specs import (
    STDIN,
    SUFFIXES,
    USAGE,
    beside,
    defaults_beside,
    project_of,
    source_folders,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dagfactory.project.code import Reads

LIBRARIES = ("croniter", "jinja2", "markupsafe", "pydantic", "pydantic_core", "yaml")
"""What takes part in compiling and is not ours."""


class Inputs:
    """Hashes of specs for one environment; the files that specs share are read once.

    Without an environment all of them count: `check` compiles for each, and `render` says of what is
    missing whether one of them has it.
    """

    def __init__(self, environment: str | None) -> None:
        self._environment = environment
        self._reads: Reads = {}
        self._beside: dict[Path, bytes | None] = {}

    def key(self, spec: Path) -> str | None:
        """Return the hash of a spec's inputs; None when one cannot be read."""
        shared = self._shared(spec.parent) if spec != STDIN else None
        try:
            # a link may lead anywhere; where other files of the folder end is known by the folder
            read = _read if spec.is_symlink() else _content
            content = read(spec) if shared else b""
        except OSError:
            return None
        if shared is None:
            return None
        # the header of the DAG file names the spec's place; that of the folder is in `shared`, and
        # resolving each of a thousand files asks the system about every folder above it again
        name = os.fsencode(spec.resolve() if spec.is_symlink() else spec.name)
        return _hash([self._program, shared, name, content])

    def same_code(self, spec: Path, code: Iterable[tuple[str, str, str]]) -> bool:
        """Whether the project's own code is what a spec found, as `Project.looked_at` returned it."""
        rows = list(code)
        project = project_of(spec, self._reads) if rows else None
        return project is None or all(
            project.digest(kind, written) == found for kind, written, found in rows
        )

    @cached_property
    def _program(self) -> bytes:
        return _hash(program()).encode()

    def _shared(self, folder: Path) -> bytes | None:
        """Return the hash of what all specs of a folder share; None when it cannot be read."""
        if folder not in self._beside:
            try:
                self._beside[folder] = _hash(self._folder_inputs(folder)).encode()
            except OSError:
                self._beside[folder] = None
        return self._beside[folder]

    def _folder_inputs(self, folder: Path) -> Iterator[bytes]:
        """Yield what a spec of a folder sees beside itself: defaults, the environments, its place."""
        spec = folder / "spec.yaml"
        if leads_out(folder):
            raise OSError(f"{folder} leads out of the project")
        yield os.fsencode(folder.resolve())
        yield repr((self._environment, bundled_trainer.of_project(source_folders(spec)))).encode()
        for defaults in defaults_beside(spec):
            yield os.fsencode(defaults)
            yield _read(defaults)
        usage = beside(spec, USAGE)
        for file in sorted(usage.iterdir()) if usage else ():
            yield os.fsencode(file)
            yield _read(file)
        environments = beside(spec, "environments")
        if environments:
            # also an empty one: the environments that a spec itself holds are then no longer known
            yield os.fsencode(environments)
            files = sorted(each for each in environments.iterdir() if each.suffix in SUFFIXES)
            for file in files:
                # of the others the names count: a patch for an environment that has no file is DF110
                yield os.fsencode(file)
                wanted = self._environment in (None, file.stem)
                yield _read(file) if wanted else b""


def _read(path: Path) -> bytes:
    """Return the bytes of an input; raises OSError for what compiling would refuse to read."""
    if leads_out(path):
        raise OSError(f"{path} leads out of the project")
    return _content(path)


def _content(path: Path) -> bytes:
    content = read_regular(path, FILE.most)
    if len(content) > FILE.most:
        raise OSError(f"{path} is too large")
    return content


def program() -> Iterator[bytes]:
    """Yield what this program is: its files, the trainer's settings, the templates, Python, libraries."""
    package = Path(dagfactory.__file__).parent
    settings = [os.fspath(bundled_trainer.settings_file())]
    for files in (_files(package), settings, _files(template_folder())):
        for path in sorted(files):
            yield os.fsencode(path)
            # the bytes, not the times: a build or `cp -p` can give new content an old time
            yield Path(path).read_bytes()
    yield repr((sys.version, bundled_trainer.installed())).encode()
    for name in LIBRARIES:
        found = find_spec(name)
        # an installer writes a library whole, so one file of it stands for thousands
        state = os.stat(found.origin) if found and found.origin else None  # noqa: PTH116 - one call
        yield repr((found and found.origin, state and (state.st_mtime_ns, state.st_size))).encode()


def _files(folder: Path) -> Iterator[str]:
    """Yield every file of a folder that Python did not put there."""
    for top, inner, names in os.walk(folder):
        # Python writes bytecode when a module is first used: the program would change by running
        inner[:] = [each for each in inner if each != "__pycache__"]
        yield from (os.path.join(top, name) for name in names)  # noqa: PTH118 - hundreds of them


def _hash(parts: Iterator[bytes] | list[bytes]) -> str:
    """Return the SHA-256 of parts and of where each ends."""
    digest = hashlib.sha256()
    for part in parts:
        # without lengths a byte could move from one part to the next and leave the hash as it was
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
