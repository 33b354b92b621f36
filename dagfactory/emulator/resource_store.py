"""Named resources as protobuf messages, kept in memory and as JSON files."""

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2, json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.files import replace_text
from dagfactory.emulator.protos import message_class

log = logging.getLogger(__name__)
FIRST_ID = 1000


class ResourceStore:
    """Resources by full name. Messages handed out are copies; change them inside `edit`."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._lock = directory, threading.RLock()
        self._messages = _read_all(directory)
        numbers = (int(part) for name in self._messages for part in _numbers(name))
        self._ids = itertools.count(max(numbers, default=FIRST_ID) + 1)

    def new_name(self, parent: str, collection: str) -> str:
        """Return an unused resource name below `parent`."""
        with self._lock:
            return f"{parent}/{collection}/{next(self._ids)}"

    def new_id(self) -> str:
        """Return an unused number for what has no resource name of its own."""
        with self._lock:
            return str(next(self._ids))

    def get(self, name: str) -> Any:
        """Return a copy; raises NOT_FOUND."""
        with self._lock:
            return _copy(self._find(name))

    def put(self, name: str, message: Any) -> None:
        """Create or replace a resource."""
        with self._lock:
            self._messages[name] = _copy(message)
            self._write(name)

    @contextmanager
    def edit(self, name: str, *, written: bool = True) -> Iterator[Any]:
        """Give a copy to change; it is kept when the block ends without an error.

        What is not `written` goes into the file with the next change that is.
        """
        with self._lock:
            message = _copy(self._find(name))
            yield message
            self._messages[name] = _copy(message)
            if written:
                self._write(name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep other threads out while several resources change together."""
        with self._lock:
            yield

    def delete(self, name: str) -> None:
        """Remove a resource; raises NOT_FOUND."""
        with self._lock:
            self._find(name)
            del self._messages[name]
            self._file(name).unlink()

    def below(self, parent: str, collection: str) -> list[Any]:
        """Return copies of a collection, newest first (as the service lists them)."""
        prefix = f"{parent}/{collection}/"
        with self._lock:
            names = [name for name in self._messages if name.startswith(prefix)]
            direct = [name for name in names if "/" not in name.removeprefix(prefix)]
            return [_copy(self._messages[name]) for name in reversed(direct)]

    def names(self) -> list[str]:
        """Return the names of all resources, oldest first."""
        with self._lock:
            return list(self._messages)

    def _find(self, name: str) -> Any:
        if name not in self._messages:
            raise ApiError("NOT_FOUND", f"The resource {name} was not found.")
        return self._messages[name]

    def _file(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _write(self, name: str) -> None:
        packed, path = any_pb2.Any(), self._file(name)
        packed.Pack(self._messages[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, json_format.MessageToJson(packed))


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _numbers(name: str) -> Iterator[str]:
    return (part for part in name.replace("@", "/").split("/") if part.isdigit())


def _read_all(directory: Path) -> dict[str, Any]:
    """Read the files of an earlier run, oldest first."""
    found = {}
    files = directory.rglob("*.json")
    for file in sorted(files, key=lambda path: (path.stat().st_mtime_ns, path)):
        name = file.relative_to(directory).as_posix().removesuffix(".json")
        try:
            found[name] = _unpack(json_format.Parse(file.read_text(), any_pb2.Any()))
        except json_format.ParseError as error:
            log.warning("%s is ignored: %s", file, error)
    return found


def _unpack(packed: any_pb2.Any) -> Any:
    message = message_class(packed.TypeName())()
    packed.Unpack(message)
    return message
