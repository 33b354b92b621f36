"""Every method of Google's discovery documents is asked: each answers, and docs/emulator.md says how.

With DAGFACTORY_UPDATE=1 the table there is written anew. `refused` is what a collection that is served
in part lacks; whatever is not served says so and names the page.
"""

import base64
import http.client
import itertools
import json
import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import googleapiclient.discovery_cache
import processes
import pytest
from paths import ROOT

from dagfactory.emulator.client import Emulator, start

PAGE = ROOT / "docs/emulator.md"
FIRST, LAST = "<!-- methods -->\n", "<!-- end -->\n"
DOCUMENTS = Path(googleapiclient.discovery_cache.__file__).parent / "documents"
APIS = {
    "aiplatform.v1": "us-central1-aiplatform.googleapis.com",
    "storage.v1": "storage.googleapis.com",
    "bigquery.v2": "bigquery.googleapis.com",
    "dataflow.v1b3": "dataflow.googleapis.com",
    "secretmanager.v1": "secretmanager.googleapis.com",
    "iamcredentials.v1": "iamcredentials.googleapis.com",
}
VALUES = {"location": "us-central1", "project": "demo"}


class Method(NamedTuple):
    """A method of a discovery document."""

    collection: str
    name: str
    verb: str
    path: str


def methods(document: Mapping[str, Any]) -> list[Method]:
    """Return the methods of a document by collection."""
    every = below("", document)
    return sorted(
        Method(place or "locations", name, each["httpMethod"], path(document, each))
        for place, name, each in every
    )


def below(prefix: str, resource: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the methods of a resource with their collections, the operations of all as one."""
    short = prefix.removeprefix("projects.").removeprefix("locations.").removesuffix(".")
    for name, each in resource.get("methods", {}).items():
        yield "*.operations" if short.endswith(".operations") else short, name, each
    for name, child in resource.get("resources", {}).items():
        yield from below(f"{prefix}{name}.", child)


def path(document: Mapping[str, Any], method: Mapping[str, Any]) -> str:
    """Return the path of a call; an object comes with its content."""
    upload = method.get("mediaUpload", {}).get("protocols", {}).get("simple", {}).get("path")
    if upload and document["name"] == "storage":
        return filled(upload) + "?uploadType=media&name=x"
    return filled("/" + document["servicePath"] + method.get("flatPath", method["path"]))


def filled(path: str) -> str:
    """Return a path whose variables have values."""
    return re.sub(r"\{\+?(\w+)\}", lambda m: value(m[1]), path)


def value(variable: str) -> str:
    return next((text for word, text in VALUES.items() if variable.startswith(word)), "x1x")


class Caller:
    """Calls one host through the proxy."""

    def __init__(self, emulator: Emulator, token: str, host: str) -> None:
        proxy = urlsplit(emulator.proxy)
        context = ssl.create_default_context(cafile=emulator.env["SSL_CERT_FILE"])
        self._connection = http.client.HTTPSConnection(
            proxy.hostname or "", proxy.port, context=context, timeout=20
        )
        pair = f"{proxy.username}:{unquote(proxy.password or '')}"
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        self._connection.set_tunnel(host, 443, {"Proxy-Authorization": basic})
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: Method) -> tuple[int, str]:
        body = None if method.verb in ("GET", "DELETE") else "{}"
        self._connection.request(method.verb, method.path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that nobody else's resources are in: every method is called, those that delete too."""
    with start(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture(scope="module")
def answers(alone: Emulator) -> dict[str, list[tuple[Method, int, str]]]:
    code = (
        "import google.auth, google.auth.transport.requests as r\n"
        "c, _ = google.auth.default(['https://www.googleapis.com/auth/cloud-platform'])\n"
        "c.refresh(r.Request()); print(c.token)"
    )
    python = [sys.executable, "-W", "ignore", "-c", code]
    token = processes.output(python, env=alone.environ()).strip()
    found = {}
    for name, host in APIS.items():
        document = json.loads((DOCUMENTS / f"{name}.json").read_text())
        caller = Caller(alone, token, host)
        found[name] = [(each, *caller.call(each)) for each in methods(document)]
    return found


def test_every_method_answers_and_what_is_not_served_says_so(
    answers: dict[str, list[tuple[Method, int, str]]],
) -> None:
    every = [each for found in answers.values() for each in found]
    assert len(every) > 800
    for method, status, text in every:
        assert status < 500 or status == 501, (method, status, text)
        if status == 501:
            assert "The emulator does not " in text, (method, text)


def test_the_page_lists_what_is_served(answers: dict[str, list[tuple[Method, int, str]]]) -> None:
    made = "".join(itertools.chain.from_iterable(map(table, answers, answers.values())))
    page = PAGE.read_text()
    start_, end = page.index(FIRST) + len(FIRST), page.index(LAST, page.index(FIRST))
    if os.environ.get("DAGFACTORY_UPDATE") == "1":
        PAGE.write_text(page[:start_] + made + page[end:])
    assert PAGE.read_text()[start_:].startswith(made), "run with DAGFACTORY_UPDATE=1"


def table(name: str, answers: list[tuple[Method, int, str]]) -> Iterator[str]:
    """Yield the lines of one API."""
    yield f"**{name}**\n\n| collection | served | refused |\n|---|---|---|\n"
    lost, known = [], set()
    for collection, group in itertools.groupby(answers, lambda each: each[0].collection):
        every = list(group)
        # some have two paths, of which one is newer
        served = {method.name for method, _, text in every if "does not serve" not in text}
        refused = {method.name for method, *_ in every} - served
        if served:
            known.add(collection)
            rows = (collection, ", ".join(sorted(served)), ", ".join(sorted(refused)))
            yield f"| {' | '.join(rows)} |\n"
        else:
            lost.append(collection)
    tops = sorted({each.removeprefix("*.").partition(".")[0] for each in lost} - known)
    yield f"\nNot served: {', '.join(tops)}.\n\n" if tops else "\n"
