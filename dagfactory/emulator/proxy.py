"""The CONNECT proxy: known hosts go to the emulator's own ports, every other host gets 403."""

import asyncio
import base64
import contextlib
import fnmatch
import logging
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dagfactory.emulator.identity import is_same
from dagfactory.emulator.tls_client_hello import RECORD_HEADER, offered_protocols, record_length

log = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
CHUNK = 1 << 16
USER = "dagfactory"
REFUSAL = b"%s is not served by the dagfactory emulator; nothing leaves this machine.\n"
UNKNOWN = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="dagfactory"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class Route:
    """A host glob and its ports: HTTPS for HTTP/1.1, gRPC (None: none) for HTTP/2."""

    host: str
    https: int
    grpc: int | None = None


class Proxy:
    """An asyncio CONNECT proxy in a thread of its own; `url` is its address once started."""

    def __init__(self, routes: tuple[Route, ...], port: int = 0) -> None:
        """Listen on a port, a free one for 0; raises OSError."""
        self._routes = routes
        password = secrets.token_urlsafe(32)
        self._authorization = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, LOOPBACK, port))
        taken = server.sockets[0].getsockname()[1]
        self.url = f"http://{USER}:{password}@{LOOPBACK}:{taken}"
        threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True).start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut_off = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)
        with contextlib.suppress(*cut_off):
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            verb, target = first.split(" ")[:2]
            route = self._route(verb, target)
            if verb == "CONNECT" and not self._knows(lines):
                await _ask(writer)
            elif route is None:
                await self._refuse(writer, verb, target)
            else:
                await _tunnel(reader, writer, route)
        writer.close()

    def _route(self, verb: str, target: str) -> Route | None:
        host, _, port = target.rpartition(":")
        if verb != "CONNECT" or port != "443":
            return None
        return next((r for r in self._routes if fnmatch.fnmatch(host, r.host)), None)

    def _knows(self, lines: Sequence[str]) -> bool:
        """Whether a client sent the user and password of `url`, as each that reads it from there does."""
        fields = (line.partition(":") for line in lines)
        given = (value for name, _, value in fields if name.lower() == "proxy-authorization")
        scheme, _, credentials = next(given, "").strip().partition(" ")
        return scheme.lower() == "basic" and is_same(credentials, self._authorization)

    async def _refuse(self, writer: asyncio.StreamWriter, verb: str, target: str) -> None:
        log.warning("refused: %s %s", verb, target)
        body = REFUSAL % target.encode("latin-1")
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


async def _ask(writer: asyncio.StreamWriter) -> None:
    writer.write(UNKNOWN)
    await writer.drain()


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: Route) -> None:
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    header = await reader.readexactly(RECORD_HEADER)
    hello = header + await reader.readexactly(record_length(header))
    protocols = offered_protocols(hello)
    http2 = protocols and "http/1.1" not in protocols
    port = route.grpc if http2 and route.grpc is not None else route.https
    upstream, downstream = await asyncio.open_connection(LOOPBACK, port)
    downstream.write(hello)
    await asyncio.gather(
        _pump(reader, downstream, _quick(writer)), _pump(upstream, writer, _quick(downstream))
    )


def _quick(writer: asyncio.StreamWriter) -> Callable[[], None]:
    """Return what acknowledges received data at once.

    urllib3 keeps Nagle's algorithm on towards a proxy: each request with a body would wait
    40 ms for our delayed acknowledgement of its head.
    """
    option = getattr(socket, "TCP_QUICKACK", None)
    if option is None:  # not Linux
        return lambda: None
    connection = writer.get_extra_info("socket")
    return lambda: connection.setsockopt(socket.IPPROTO_TCP, option, 1)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, acknowledge: Callable[[], None]
) -> None:
    """Copy until the end of input, then pass the end on."""
    with contextlib.suppress(ConnectionError, OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            acknowledge()
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError):
        writer.close()
