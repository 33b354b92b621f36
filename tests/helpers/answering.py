"""A server on loopback that answers what a test draws: a status and bytes for a path."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Answers(BaseHTTPRequestHandler):
    def answer(self):
        status, body = self.server.draw(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - names of http.server

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def answering():
    """Yield a server that asks its attribute `draw` for the answer to each path."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
