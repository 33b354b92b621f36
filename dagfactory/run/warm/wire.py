"""Lines of JSON on a Unix socket, between processes of one user."""

import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_BACKLOG = 8
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of <sys/socket.h>


@dataclass(slots=True)
class Peer:
    """The other end of a connection."""

    socket: socket.socket
    _buffer: bytes = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def fileno(self) -> int:
        """Return what is readable when a message has come."""
        return self.socket.fileno()

    @property
    def is_own(self) -> bool:
        """Whether the other end is a process of this user; the kernel says so."""
        size = _CREDENTIALS.size
        found = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return bool(_CREDENTIALS.unpack(found)[1] == os.getuid())

    def send(self, **message: Any) -> None:
        """Send a message; one that nobody reads any more is lost."""
        with contextlib.suppress(OSError):
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self, within: float) -> Mapping[str, Any] | None:
        """Return the next message; None at the end, raises TimeoutError when nothing comes."""
        while b"\n" not in self._buffer:
            if not readable([self], within):
                raise TimeoutError
            try:
                chunk = self.socket.recv(65536)
            except OSError:
                return None
            if not chunk:
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return dict(json.loads(line))


def readable(files: list[Any], within: float) -> list[Any]:
    """Return those of some files that can be read, after `within` seconds at most."""
    # not select(): it fails above 1,024 open files
    poll, by_number = select.poll(), {each.fileno(): each for each in files}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(within * 1000)]


def connected(path: Path) -> Peer | None:
    """Return the process of this user that listens at a path; None when there is none."""
    client = socket.socket(socket.AF_UNIX)
    try:
        with _short(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        return None
    peer = Peer(client)
    if peer.is_own:
        return peer
    client.close()
    return None


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen at a path that nobody else uses, and remove it at the end."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        with _short(path) as name:
            server.bind(name)
        server.listen(_BACKLOG)
        try:
            yield server
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Name a path by its folder's descriptor: an address of a socket has 107 bytes, a path may have more."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
