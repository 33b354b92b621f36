"""A small HTTP/1.1 server (keep-alive, TLS optional) that hands requests to a function."""

import json
import logging
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dagfactory.emulator import browsers
from dagfactory.emulator.browsers import LOOPBACK_NAMES
from dagfactory.emulator.certificates import Certificates

log = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower case, `path` is still percent-encoded.

    `base` is the address in front of the path where that is not the host alone.
    """

    method: str
    host: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    base: str = ""

    def arg(self, name: str, default: str | None = None) -> str | None:
        """Return the last value of a query parameter."""
        return self.query.get(name, [default])[-1] if name in self.query else default

    def segments(self) -> list[str]:
        """Return the decoded parts of the path: '/b/x%2Fy' -> ['b', 'x/y']."""
        return [unquote(part) for part in self.path.split("/") if part]

    def json(self) -> Any:
        """Return the decoded JSON body ({} when empty); raises ValueError."""
        return json.loads(self.body) if self.body.strip() else {}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer. `stream` of `length` bytes takes the place of `body` for large downloads."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None
    length: int | None = None


Application = Callable[[HttpRequest], HttpResponse]


def json_response(
    data: Any, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return `data` as a JSON answer."""
    body = json.dumps(data, ensure_ascii=False).encode()
    kind = {"Content-Type": "application/json; charset=UTF-8"}
    return HttpResponse(status, body, {**kind, **(headers or {})})


def make_request(
    method: str, target: str, headers: dict[str, str], body: bytes, host: str = ""
) -> HttpRequest:
    """Build a Request from a request line's target ('/path?query') and lower-case headers."""
    parts = urlsplit(target)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    method = headers.get("x-http-method-override", method)
    name = (parts.hostname or headers.get("host", host)).split(":")[0]
    return HttpRequest(method, name, parts.path, query, headers, body)


class HttpServer:
    """A threaded server on a free loopback port, known before `start`, for hosts of some names (globs)."""

    def __init__(
        self,
        names: Sequence[str] = LOOPBACK_NAMES,
        certificates: Certificates | None = None,
    ) -> None:
        self._server = _ThreadingServer((LOOPBACK, 0), _Handler)
        self._server.names = names
        if certificates is not None:
            self._server.tls = _tls(certificates)
        self.port: int = self._server.server_address[1]

    def start(self, application: Application) -> None:
        """Serve in a daemon thread."""
        self._server.application = application
        serve = self._server.serve_forever
        threading.Thread(target=serve, name="http", daemon=True).start()


def _tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class _ThreadingServer(ThreadingHTTPServer):
    request_queue_size = 128
    tls: ssl.SSLContext | None = None
    names: Sequence[str]
    application: Application

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread: a slow client must not stop others."""
        try:
            if self.tls is not None:
                request = self.tls.wrap_socket(request, server_side=True)
        except OSError as error:
            log.info("handshake failed: %s", error)
            self.shutdown_request(request)
            return
        super().process_request_thread(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's
        error = sys.exception()
        if not isinstance(error, ConnectionError | ssl.SSLError):
            log.error("connection of %s failed", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _ThreadingServer

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        scheme = "http" if self.server.tls is None else "https"
        if reason := browsers.refusal(headers, self.server.names, scheme):
            self._refuse(reason)
            return
        body = b"".join(self._body(headers))
        request = make_request(self.command, self.path, headers, body)
        try:
            response = self.server.application(request)
        except Exception:
            log.exception("%s %s failed", self.command, request.host)
            response = json_response({"error": {"code": 500, "message": "emulator failure"}}, 500)
        # not the path: one of the doors has its secret there
        log.debug("%s %s -> %d", request.method, request.host, response.status)
        self._answer(response)

    def _refuse(self, reason: str) -> None:
        log.warning("refused: %s", reason)
        self.close_connection = True  # the body was not read
        error = {"code": 403, "message": reason, "status": "PERMISSION_DENIED"}
        self._answer(json_response({"error": error}, 403))

    def _body(self, headers: dict[str, str]) -> Iterator[bytes]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        elif length := int(headers.get("content-length") or 0):
            yield self.rfile.read(length)

    def _answer(self, response: HttpResponse) -> None:
        length = len(response.body) if response.length is None else response.length
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in NO_BODY:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD" and response.status not in NO_BODY:
            for part in (response.body,) if response.stream is None else response.stream:
                self.wfile.write(part)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the application logs what matters."""


for _verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_verb}", _Handler._serve)  # noqa: SLF001 - one function for all
