"""A headless Chromium without a network, driven by its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from processes import started, wait_until
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
needed = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # a container has no user namespaces to make one of
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
)


class Page:
    """One tab: what it says on its console, what it asks of the network, and a mouse."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._ids = socket, itertools.count(1)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.answers: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        # seconds of CPU, which do not depend on what else the machine does
        self.call("Performance.enable", timeDomain="threadTicks")
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        self.call("Network.emulateNetworkConditions", **offline)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer; events that come before it are noted."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer)
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.complaints.append(json.dumps(told["entry"]))
        elif event == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(told["args"]))
        elif event == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {told['message']}")
        elif event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif event == "Network.responseReceived":
            self.answers.append(told["response"])

    def online(self) -> None:
        """Let the page reach what the browser's names lead to."""
        none = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", **none)

    def go(self, address: str) -> None:
        """Open an address and wait until it has been loaded, or refused."""
        self.call("Page.navigate", url=address)
        wait_until(lambda: self.value("document.readyState") == "complete", pause=0.05)

    def open(
        self, path: Path, *, width: int = 1280, height: int = 1000, dark: bool = False
    ) -> None:
        """Open a page and wait until it can be used."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call("Page.navigate", url=path.resolve().as_uri())
        # two frames later what the scripts made has been drawn
        drawn = (
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        )
        wait_until(
            lambda: self.value("document.documentElement?.dataset.ready") == "yes", pause=0.01
        )
        self.value(drawn)

    def value(self, script: str) -> Any:
        """Return what an expression comes to."""
        told = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def busy(self) -> float:
        """Return the seconds that the page's thread has worked since the last page was opened."""
        found = self.call("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in found if each["name"] == "TaskDuration"))

    def box(self, selector: str) -> dict[str, float]:
        """Scroll to an element and return its box on the screen."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{found}.scrollIntoView({{block: 'center'}})")
        return dict(self.value(f"{found}.getBoundingClientRect().toJSON()"))

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Do one thing with the left button: `mousePressed`, `mouseMoved`, `mouseReleased`."""
        button = {"button": "left", "buttons": int(kind != "mouseReleased"), "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def drag(self, x: float, start: float, end: float) -> None:
        """Drag along a vertical line, and wait until it is drawn."""
        self.mouse("mousePressed", x, start)
        for share in (0.3, 0.7, 1.0):
            self.mouse("mouseMoved", x, start + (end - start) * share)
        self.mouse("mouseReleased", x, end)
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def picture(self, path: Path) -> None:
        """Write what is seen of the page as a PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path, *options: str) -> Iterator[Page]:
    """Start a browser whose profile is a folder, and end it with the block."""
    profile = folder / "profile"
    command = [str(CHROMIUM), *OPTIONS, *options, f"--user-data-dir={profile}", "about:blank"]
    quiet = {"stdout": -3, "stderr": -3, "env": {**os.environ, "HOME": str(folder)}}
    with started(command, **quiet):
        told = profile / "DevToolsActivePort"
        port = wait_until(lambda: told.exists() and told.read_text().split("\n")[0])
        with connect(f"ws://127.0.0.1:{port}{told.read_text().split()[1]}", max_size=None) as root:
            root.send(json.dumps({"id": 0, "method": "Target.getTargets", "params": {}}))
            answer = json.loads(root.recv(timeout=30))
        tab = next(t for t in answer["result"]["targetInfos"] if t["type"] == "page")["targetId"]
        address = f"ws://127.0.0.1:{port}/devtools/page/{tab}"
        with connect(address, max_size=None) as socket:
            yield Page(socket)
