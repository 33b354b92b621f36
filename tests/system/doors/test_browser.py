"""A whole `dagfactory run --ui`, met by a real browser and by another user of the machine.

The browser is logged in, its hostile pages know every port, and certificates do not hold it up.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import browser
import psutil
import pytest
from attacks import as_nobody, open_to_others
from browser import Page
from paths import ROOT
from processes import started, wait_until
from strangers import attempts

from dagfactory.run.links import PREFIX

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SPEC = "pipeline: open\nschedule: null\ntasks:\n  say: {type: bash, command: echo fine}\n"
LOCAL = "environment: local\nproject: demo-local\nregion: us-central1\nbucket: gs://demo-local\n"
NAMES = "MAP evil.example 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost"
SCRIPT = (ROOT / "tests/helpers/hostile_page.js").read_text()
AIRFLOW = ["/api/v2/connections", "/api/v2/dags/open/dagRuns", f"{PREFIX}x", "/auth/token"]
EMULATOR = [
    "/storage/v1/b?project=demo-local",
    "/token",
    "/bigquery/v2/projects/demo-local/queries",
]


@dataclass
class Open:
    """A run that stays up: what it has said, and where it listens."""

    folder: Path
    program: subprocess.Popen[Any]
    said: str
    tried: int = 0
    answered: Counter[int] = field(default_factory=Counter)

    @property
    def link(self) -> str:
        found = re.search(rf"http://\S+{PREFIX}\S+", self.said)
        assert found
        return found[0]

    @property
    def page(self) -> str:
        return self.said.partition("later: ")[2].split()[0]

    @property
    def password(self) -> str:
        return self.said.partition("password ")[2].split()[0]

    @property
    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.program.pid).children(recursive=True)

    @property
    def listening(self) -> set[tuple[str, int]]:
        every = [each for process in self.processes for each in process.net_connections("inet")]
        return {(each.laddr.ip, each.laddr.port) for each in every if not each.raddr}

    @property
    def doors(self) -> dict[int, list[str]]:
        """The ports, each with the paths that are worth trying there."""
        airflow = int(self.page.split("/")[2].partition(":")[2])
        return {port: AIRFLOW if port == airflow else EMULATOR for _, port in self.listening}


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    # pytest's own folder is closed to others, and would hide ours
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield from run_in(Path(folder))


def run_in(folder: Path) -> Iterator[Open]:
    """Yield a run that has ended and stays up."""
    (folder / "specs/environments").mkdir(parents=True)
    (folder / "specs/open.yaml").write_text(SPEC)
    (folder / "specs/environments/local.yaml").write_text(LOCAL)
    command = [sys.executable, "-m", "dagfactory", "run", "specs/open.yaml", "--ui"]
    with started(command, cwd=folder, stdout=subprocess.PIPE, text=True) as program:
        said = ""
        while "^C ends it" not in said:
            line = program.stdout.readline()
            assert line, said
            said += line
        yield Open(folder, program, said)
        program.send_signal(signal.SIGINT)
        program.wait(60)
    assert not (folder / ".dagfactory/home/links").exists()


@pytest.fixture(scope="module")
def page(opened, tmp_path_factory) -> Iterator[Page]:
    options = (
        f"--host-resolver-rules={NAMES}",
        "--ignore-certificate-errors",
        "--disable-site-isolation-trials",  # one tab sees the requests of all its frames
        "--explicitly-allowed-ports=1-65535",
    )
    with browser.browser(tmp_path_factory.mktemp("chromium"), *options) as page:
        page.online()
        yield page


class Blank(BaseHTTPRequestHandler):
    """An empty page, whoever asks for whatever."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>a page</title><body>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of a server that is not the run's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_nothing_listens_but_on_the_loopback(opened):
    assert len(opened.doors) >= 5
    assert {ip for ip, _ in opened.listening} <= {"127.0.0.1", "::ffff:127.0.0.1"}


@browser.needed
def test_one_click_logs_in_and_the_second_does_not(opened, page):
    page.go(opened.link)
    wait_until(lambda: "open" in (page.value("document.body.innerText") or ""))
    assert page.value("location.href") == opened.page
    assert page.value("fetch('/api/v2/dags').then(answer => answer.status)") == 200
    assert "_token" not in page.value("document.cookie")
    entries = page.call("Page.getNavigationHistory")["entries"]
    assert [each["url"] for each in entries if PREFIX in each["url"]] == []
    page.go(opened.link)
    assert "this link was used before" in page.value("document.body.innerText")


@browser.needed
@pytest.mark.parametrize("origin", ["evil.example", "127.0.0.1", "localhost"])
def test_no_page_of_another_origin_gets_in(opened, page, elsewhere, origin):
    name = "localhost" if origin == "localhost" else "127.0.0.1"
    for port in opened.doors:
        for scheme in ("http", "https"):
            page.go(f"http://{origin}:{elsewhere}/")
            attack(opened, page, port, f"{scheme}://{name}:{port}")


@browser.needed
def test_no_name_that_turns_into_this_machine_gets_in(opened, page):
    """The page has the origin of the door itself: nothing is a request to another site."""
    for port in opened.doors:
        for scheme in ("http", "https"):
            page.go(f"{scheme}://evil.example:{port}/")
            if page.value("location.hostname") == "evil.example":
                attack(opened, page, port)


def attack(opened: Open, page: Page, port: int, base: str = "") -> None:
    """Try everything against a door; fail when an answer was not a refusal."""
    page.answers.clear()
    found = page.value(f"({SCRIPT})({base!r}, {opened.doors[port]!r})")
    answered = [each for each in page.answers if f":{port}/" in each["url"]]
    assert found["inside"] == []
    assert [each for each in answered if not is_refusal(each)] == []
    opened.answered += Counter(each["status"] for each in answered)
    opened.tried += found["tried"]


def is_refusal(answer: dict[str, Any]) -> bool:
    """Say whether a browser was refused; gRPC does so with status 200 and its own in a header."""
    return answer["status"] >= 400 or answer["headers"].get("grpc-status", "0") != "0"


@browser.needed
def test_what_was_tried_was_answered_and_left_nothing(opened, page):
    assert opened.answered.total() >= 60, opened.answered
    sys.stdout.write(f"{opened.tried} tried, answered {dict(opened.answered)}\n")
    page.go(opened.page)
    asked = "fetch('/api/v2/{}').then(answer => answer.json()).then(found => found.total_entries)"
    assert page.value(asked.format("dags/~/dagRuns")) == 1
    assert page.value(asked.format("connections")) == 0
    assert [path.name for path in (opened.folder / ".dagfactory/emulator/gcs").iterdir()] == [
        "demo-local"
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_gets_in_nowhere(opened):
    state = opened.folder / ".dagfactory"
    pids = [each.pid for each in opened.processes]
    tried = as_nobody(attempts, list(opened.doors), pids, sorted(state.rglob("*")))
    assert len(tried) >= 60
    assert [name for name, inside in tried.items() if inside] == []
    assert open_to_others(state) == []


def test_no_secret_stands_in_the_list_of_processes(opened):
    words = " ".join(word for each in opened.processes for word in each.cmdline())
    keys = (opened.folder / ".dagfactory/emulator/emulator.json").read_text()
    secrets = [opened.password, *re.findall(r"dagfactory:([\w-]{20,})@|:\d+/([\w-]{20,})\"", keys)]
    assert len(secrets) > 2
    assert [each for each in secrets if str(each) in words] == []
