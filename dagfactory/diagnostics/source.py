"""Source texts: files as they are read and shown."""

from __future__ import annotations

import os
import re
import stat
from functools import cached_property
from pathlib import Path

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Span

_BREAK = re.compile(r"\r\n|\n|\r")
_WIDE_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


class SourceFile:
    """A text and the name under which it is shown to the user."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their breaks; only LF, CRLF and CR break a line, as in editors."""
        return _BREAK.split(self.text)

    def line(self, number: int) -> str:
        """Line `number` (from 1), or an empty text beyond the end."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""


class Sources:
    """The texts behind spans, by shown name; a file that was not added is read when asked for."""

    def __init__(self, files: tuple[SourceFile, ...] = ()) -> None:
        self._files: dict[str, SourceFile | None] = {each.name: each for each in files}

    def add(self, file: SourceFile) -> None:
        """Remember `file` under its name."""
        self._files[file.name] = file

    def get(self, name: str) -> SourceFile | None:
        """Return the file shown as `name`, or None when it cannot be read."""
        if name not in self._files:
            found = read(Path(name))
            self._files[name] = found if isinstance(found, SourceFile) else None
        return self._files[name]


def shown(path: Path) -> str:
    """Return `path` as messages show it: relative to the current folder when it lies inside."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def read(path: Path, name: str | None = None) -> SourceFile | Diagnostic:
    """Read a UTF-8 file of limited size; every failure is a DF101 or DF107 diagnostic."""
    name = name or shown(path)
    try:
        # O_NONBLOCK: opening a named pipe would wait for ever for somebody to write into it
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Diagnostic("DF101", f"`{name}` is not a regular file", None)
            data = stream.read(limits.FILE.most + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
        return Diagnostic("DF101", f"cannot read `{name}`: {reason}", None)
    return decode(data, name)


def decode(data: bytes, name: str) -> SourceFile | Diagnostic:
    """Turn the bytes of a file into a SourceFile; a leading byte order mark is dropped."""
    if len(data) > limits.FILE.most:
        return Diagnostic("DF107", f"`{name}` is larger than 2 MB", None, "split the pipeline")
    wide = next((kind for mark, kind in _WIDE_MARKS.items() if data.startswith(mark)), None)
    if wide:
        return Diagnostic("DF101", f"`{name}` is {wide}, not UTF-8", None, "save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return SourceFile(name, data.decode())
    except UnicodeDecodeError as error:
        return _undecodable(data, name, error.start)


def _undecodable(data: bytes, name: str, offset: int) -> Diagnostic:
    lines = _BREAK.split(data[:offset].decode(errors="replace"))
    line, column = len(lines), len(lines[-1]) + 1
    return Diagnostic(
        "DF101",
        f"byte 0x{data[offset]:02x} is not UTF-8",
        Span(name, line, column, line, column + 1),
        "save the file as UTF-8",
    )
