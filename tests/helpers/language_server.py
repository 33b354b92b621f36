"""A real yaml-language-server, spoken to as an editor does: JSON-RPC over its standard input and output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import processes
import pytest
from paths import ROOT

PROGRAM = ROOT / "tools/node/node_modules/yaml-language-server/bin/yaml-language-server"


class LanguageServer:
    """What an editor asks; positions are (line, column), both from 0."""

    def __init__(self, process: Any, root: Path) -> None:
        self._process, self._asked, self._versions = process, 0, 0
        options = {"rootUri": root.as_uri(), "processId": None, "capabilities": CAPABILITIES}
        self._ask("initialize", options)
        self._tell("initialized", {})

    def findings(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Open a text under a path and return what is marked in it."""
        self._versions += 1
        document = {
            "uri": path.as_uri(),
            "languageId": "yaml",
            "version": self._versions,
            "text": text,
        }
        self._tell("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self._next()
            if message.get("method") != "textDocument/publishDiagnostics":
                continue
            if message["params"]["uri"] == document["uri"]:
                return list(message["params"]["diagnostics"])

    def completions(self, path: Path, line: int, column: int) -> list[dict[str, Any]]:
        """Return what is offered at a place of an open text."""
        found = self._ask("textDocument/completion", _place(path, line, column))
        return list(found["items"] if isinstance(found, dict) else found or [])

    def hover(self, path: Path, line: int, column: int) -> str:
        """Return the text shown at a place of an open text."""
        found = self._ask("textDocument/hover", _place(path, line, column))
        return str(found["contents"]["value"]) if found else ""

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _ask(self, method: str, params: Any) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._asked and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        """Return the next message, after answering the server's own questions."""
        while True:
            message = self._read()
            if message.get("method") == "workspace/configuration":
                answer = [SETTINGS.get(each["section"]) for each in message["params"]["items"]]
                self._send({"id": message["id"], "result": answer})
            elif "id" in message and "method" in message:
                self._send({"id": message["id"], "result": None})
            else:
                return message

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        found: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return found


CAPABILITIES = {
    "workspace": {"configuration": True},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "hover": {"contentFormat": ["markdown"]},
    },
}
SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
    }
}


def _place(path: Path, line: int, column: int) -> dict[str, Any]:
    return {
        "textDocument": {"uri": path.as_uri()},
        "position": {"line": line, "character": column},
    }


@contextmanager
def language_server(root: Path) -> Iterator[LanguageServer]:
    """Start the server of tools/node over a folder; skips where there is no node."""
    node = shutil.which("node")
    if node is None or not PROGRAM.is_file():
        pytest.skip("no yaml-language-server: `make install` brings it where there is npm")
    command = [node, PROGRAM, "--stdio"]
    with processes.started(command, limit=120, stdin=PIPE, stdout=PIPE) as process:
        yield LanguageServer(process, root)
