"""Servers on the loopback that keep what an alert sends: one for HTTP, one for mail."""

from __future__ import annotations

import contextlib
import email
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Post:
    """One request: its path, its headers in lower case, its JSON."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Inbox:
    """What has arrived; `http` and `smtp` are the ports, `answers` statuses for the next requests."""

    http: int = 0
    smtp: int = 0
    posts: list[Post] = field(default_factory=list)
    mails: list[Message] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def connections(self) -> dict[str, str]:
        """Return the variables that define Airflow's connections to the servers."""
        url = f"http://127.0.0.1:{self.http}"
        defined = {
            "slack_ml": {
                "conn_type": "slackwebhook",
                "host": f"{url}/hooks",
                "password": "T0/B0/x",
            },
            "slack_bot": {
                "conn_type": "slack",
                "password": "bot-token",
                "extra": {"base_url": f"{url}/api/"},
            },
            "pagerduty_ml": {"conn_type": "pagerduty_events", "host": url, "password": "routing"},
            "ops_hook": {
                "conn_type": "http",
                "host": f"{url}/ops",
                "login": "me",
                "password": "canary-of-a-password",
                "extra": {"X-Team": "ml"},
            },
            "ops_gone": {"conn_type": "http", "host": "http://127.0.0.1:9/token-in-an-address"},
            "smtp_default": {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": self.smtp,
                "extra": {
                    "from_email": "airflow@example.com",
                    "disable_tls": True,
                    "disable_ssl": True,
                },
            },
        }
        return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(each) for name, each in defined.items()}

    def wait(self, arrived: Any, seconds: float = 90.0) -> None:
        """Wait until `arrived()`; what comes after a run ends comes from other processes."""
        until = time.monotonic() + seconds
        while not arrived():
            assert time.monotonic() < until, f"only {len(self.posts)} posts arrived"
            time.sleep(0.2)


@contextlib.contextmanager
def inbox() -> Iterator[Inbox]:
    """Serve until the block is left."""
    kept = Inbox()

    class Http(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {key.lower(): value for key, value in self.headers.items()}
            kept.posts.append(Post(self.path, headers, data))
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.end_headers()
            self.wfile.write(b'{"ok": true}')

        def log_message(self, *_: Any) -> None:
            """Keep the output of the tests clean."""

    class Smtp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 inbox\r\n")
            for line in self.rfile:
                verb = line.strip().upper()[:4]
                if verb == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    kept.mails.append(email.message_from_bytes(b"".join(lines), policy=default))
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Http) as http,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as smtp,
    ):
        smtp.daemon_threads = True
        for server in (http, smtp):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        kept.http, kept.smtp = http.server_address[1], smtp.server_address[1]
        yield kept
        http.shutdown()
        smtp.shutdown()
