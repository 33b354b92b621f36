"""A project's own Python as files by their names: a script with what it imports, or a folder.

Nothing is imported or run: the files are read, and Python's parser says whether they are Python.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias, TypeVar

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import closest, shorten
from dagfactory.project.content_name import content_name
from dagfactory.project.files import read_regular, root

MOST_BYTES, MOST_FILES = 10_000_000, 2_000
"""What code may weigh: far more than programs do, far less than data does."""

_Found = TypeVar("_Found")

_QUOTES = frozenset(',"')

_LEFT_OUT = re.compile(r"\..*|__pycache__|.*\.(pyc|pyo|egg-info)")
"""Names that are no part of a program: hidden ones, and what Python and its builders leave."""


@dataclass(frozen=True, slots=True)
class Code:
    """Files by their names with slashes, and what is wrong with them."""

    files: Mapping[str, bytes]
    problems: tuple[Diagnostic, ...] = ()

    def defines(self, module: str) -> bool:
        """Whether the files hold a module that `python -m` can run."""
        path = module.replace(".", "/")
        return f"{path}.py" in self.files or f"{path}/__main__.py" in self.files


Reads: TypeAlias = dict[tuple[object, ...], Any]
"""What one command has read of the code of projects; many specs name the same."""


class Project:
    """Where the files of a spec's project lie; what was read of its code is kept.

    `folders` are those that a path in the spec may begin in: the spec's own and the project's.
    `packages` are those where the project would keep Python packages.
    """

    def __init__(
        self,
        folders: tuple[Path, ...] = (),
        packages: tuple[Path, ...] = (),
        reads: Reads | None = None,
    ) -> None:
        self.folders = folders
        self.packages = packages
        # what is checked, what is named and what is packed must be the same bytes
        self._reads = {} if reads is None else reads
        self._asked: set[tuple[str, str]] = set()

    def looked_at(self) -> list[tuple[str, str, str]]:
        """Return what was asked for, each with the hash of what was found: how, as written, hash."""
        return [(kind, written, self.digest(kind, written)) for kind, written in self._asked]

    def digest(self, kind: str, written: str) -> str:
        """Return the hash of what is found under a path, of what is wrong with it where nothing is."""
        if kind == "installed":
            return self._once((kind, written), lambda: _installed(written))
        found = self._text(written) if kind == "text" else self._kept(kind, written)
        if not isinstance(found, Code):
            return hashlib.sha256(repr(found).encode("utf-8", "replace")).hexdigest()
        hashes = [(name, hashlib.sha256(data).hexdigest()) for name, data in found.files.items()]
        return hashlib.sha256(repr((hashes, found.problems)).encode("utf-8", "replace")).hexdigest()

    def script(self, written: str) -> Code:
        """Return a script and the modules beside it that it imports, directly or through others."""
        return self._kept("script", written)

    def package(self, written: str) -> Code:
        """Return the Python packages of a folder; one with `__init__.py` is a package itself."""
        return self._kept("package", written)

    def named(self, written: str) -> Code:
        """Return the Python package that a folder is, under the folder's name."""
        return self._kept("named", written)

    def bundle_folder(self, packages: tuple[str, ...]) -> str:
        """Return the name of the bundle's folder that holds these packages, each one `named`."""
        codes = [self.named(each) for each in packages]
        # asked for every task that calls a function
        return self._once(
            ("folder", packages),
            lambda: content_name("code", {k: v for each in codes for k, v in each.files.items()}),
        )

    def text(self, written: str) -> str | Diagnostic:
        """Return the text of a file."""
        self._asked.add(("text", written))
        return self._text(written)

    def installed(self, module: str) -> None:
        """Note that something was read of a module that is installed here, or is not."""
        self._asked.add(("installed", module))

    def _text(self, written: str) -> str | Diagnostic:
        return self._once(("text", written), lambda: self._read_text(written))

    def _read_text(self, written: str) -> str | Diagnostic:
        path = self._find(written, folder=False)
        if isinstance(path, Diagnostic):
            return path
        try:
            return read_regular(path, MOST_BYTES).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return _unreadable(written)

    def _kept(self, kind: str, written: str) -> Code:
        self._asked.add((kind, written))
        return self._once((kind, written), lambda: self._read_code(kind, written))

    def _once(self, key: tuple[object, ...], make: Callable[[], _Found]) -> _Found:
        """Return what was made under a key, of a project with these folders."""
        whole = (self.folders, *key)
        if whole not in self._reads:
            self._reads[whole] = make()
        found: _Found = self._reads[whole]
        return found

    def _read_code(self, kind: str, written: str) -> Code:
        path = self._find(written, folder=kind != "script")
        if isinstance(path, Diagnostic):
            return Code({}, (path,))
        reader = _Reader(self._tops())
        if kind == "script":
            reader.script(path)
        else:
            itself = kind == "named" or (path / "__init__.py").is_file()
            reader.folder(path, path.resolve().name + "/" if itself else "")
        return Code(reader.files, tuple(reader.problems))

    def _find(self, written: str, *, folder: bool) -> Path | Diagnostic:
        """Return the first file or folder that a path of the spec names."""
        kind = "folder" if folder else "file"
        starts = () if PurePosixPath(written).is_absolute() else self.folders
        paths = [Path(os.path.normpath(start / written)) for start in starts]
        # before the disk is asked: what lies elsewhere is not told from what is missing there
        inside = [each for each in paths if _within(each, self._tops())]
        for path in inside:
            # unlike those of Path, these take names that no file can have
            if os.path.isdir(path) if folder else os.path.isfile(path):  # noqa: PTH112, PTH113
                return path
        by_a_link = any(
            each not in inside and any(map(each.is_relative_to, self._tops())) for each in paths
        )
        if by_a_link or not inside:
            message = f"`{shorten(written)}` is not a path within the project"
            help_ = f"put the {kind} into the project, and write its path from there"
            return Diagnostic("DF230", message, Pointer(()), help_)
        message = f"`{shorten(written)}` is not a {kind} of the project"
        return Diagnostic("DF230", message, Pointer(()), self._advice(written, kind))

    def _advice(self, written: str, kind: str) -> str:
        path = PurePosixPath(written)
        parents = [start / path.parent for start in self.folders]
        inside = [each for each in parents if _within(each, self._tops())]
        entries = [each for parent in inside for each in _entries(parent)]
        fitting = [each.name for each in entries if each.is_dir() == (kind == "folder")]
        for near in closest(path.name, fitting, 1):
            return f"did you mean `{path.parent / near}`?"
        return f"write the path of a {kind}, from the folder that holds `specs` on"

    def _tops(self) -> tuple[Path, ...]:
        """Return the folders that nothing may lead out of."""
        return (*self.folders[-1:], root())


def _installed(module: str) -> str:
    """Return the hash of what is where Python looks for a module."""
    # an installer changes the folders of Python's path, somebody who writes the module the file
    path = module.replace(".", "/")
    places = (
        place
        for entry in sys.path
        for place in (entry, f"{entry}/{path}.py", f"{entry}/{path}/__init__.py")
    )
    states = [_state(place) for place in places]
    return hashlib.sha256(repr(states).encode()).hexdigest()


def _state(place: str) -> tuple[int, int] | None:
    try:
        found = os.stat(place)  # noqa: PTH116 - takes names that no file can have
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError):
        return []


def _within(path: Path, tops: Iterable[Path]) -> bool:
    """Whether a path ends, links followed, in one of the folders."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, a name that no file can have
        return False
    return any(real.is_relative_to(top.resolve()) for top in tops)


def _unreadable(written: str) -> Diagnostic:
    return Diagnostic("DF230", f"`{shorten(written)}` cannot be read", Pointer(()))


@dataclass
class _Reader:
    """Collects files within bounds, and what is wrong with them."""

    tops: tuple[Path, ...]
    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    size: int = 0

    def script(self, path: Path) -> None:
        """Read a script and the modules beside it that it imports."""
        waiting = [(path, path.name)]
        while waiting:
            each, name = waiting.pop()
            if name not in self.files and not self.problems:
                self.add(each, name)
                waiting += self._beside(path.parent, name)

    def _beside(self, folder: Path, name: str) -> Iterator[tuple[Path, str]]:
        """Yield the files beside a script that one of its modules imports."""
        for module in _imports(self.files.get(name, b"")):
            file, package = folder / f"{module}.py", folder / module
            if file.is_file():
                yield file, file.name
            # the folder of data that has a library's name is not what is imported
            elif package.is_dir() and any(
                inner.endswith(".py") for _, inner in self._walk(package)
            ):
                yield from ((path, f"{module}/{inner}") for path, inner in self._walk(package))

    def folder(self, folder: Path, prefix: str) -> None:
        """Read every file of a folder."""
        for path, name in self._walk(folder):
            self.add(path, prefix + name)
            if self.problems and self.problems[-1].code == "DF232":
                return

    def _walk(self, folder: Path) -> Iterator[tuple[Path, str]]:
        for top, inner, names in os.walk(folder):
            inner[:] = sorted(each for each in inner if not _LEFT_OUT.fullmatch(each))
            for name in sorted([*names, *(each for each in inner if Path(top, each).is_symlink())]):
                if not _LEFT_OUT.fullmatch(name):
                    path = Path(top, name)
                    yield path, path.relative_to(folder).as_posix()

    def add(self, path: Path, name: str) -> None:
        """Read one file."""
        # a wheel lists its files in lines of commas, as UTF-8
        if not name.isprintable() or not _QUOTES.isdisjoint(name):
            message = f"{name!a} is not a name that a package can hold"
            self._problem("DF230", message, "give the file another name")
            return
        if not _within(path, self.tops) or path.is_dir():
            message = f"`{shorten(name)}` is a link that leads out of the project, or to a folder"
            self._problem("DF230", message, "put the files themselves here")
            return
        try:
            content = read_regular(path, MOST_BYTES)
        except OSError:
            self.problems.append(_unreadable(name))
            return
        self.size += len(content)
        if self.size > MOST_BYTES or len(self.files) >= MOST_FILES:
            limit = f"{MOST_FILES:,} files and {MOST_BYTES // 1_000_000} MB"
            help_ = "keep data in a bucket, and name a folder that holds the program alone"
            self._problem(
                "DF232", f"this is more than code: a package holds {limit} at most", help_
            )
            return
        self.files[name] = content
        if name.endswith(".py") and (fault := _syntax(content)):
            message = f"`{shorten(name)}` is not valid Python: {fault}"
            self._problem("DF233", message, "repair the file")

    def _problem(self, code: str, message: str, help_: str) -> None:
        self.problems.append(Diagnostic(code, message, Pointer(()), help_))


def _syntax(content: bytes) -> str | None:
    """Return why a text is not Python, or None."""
    try:
        _tree(content)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or "it is nested too deeply"
    return None


def _tree(content: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a stranger's escape sequences
        return ast.parse(content)


def _imports(content: bytes) -> Iterator[str]:
    """Yield the top-level names that a module imports."""
    try:
        tree = _tree(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]
