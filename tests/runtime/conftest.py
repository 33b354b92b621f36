"""One emulator and one Airflow with a migrated SQLite for all tests of the runtime."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import processes
import pytest
from driven import Airflow, driver, settings
from inbox import Inbox, inbox
from lines import PYTHON

import dagfactory.runtime

HERE = Path(__file__).parent
PACKAGE = "dagfactory_runtime_under_test"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    with start(
        tmp_path_factory.mktemp("emulator"), slots=8, workdir=HERE, buckets=["demo-ml"]
    ) as running:
        yield running


@pytest.fixture(scope="session")
def service(emulator: Any) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that lists a collection of Vertex AI in a region."""
    from google.auth.transport.requests import AuthorizedSession
    from google.oauth2 import service_account

    account = service_account.Credentials.from_service_account_file(
        emulator.env["GOOGLE_APPLICATION_CREDENTIALS"],
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )

    def listed(path: str, region: str, key: str = "") -> list[dict[str, Any]]:
        url = f"https://{region}-aiplatform.googleapis.com/v1/projects/demo/locations/{region}"
        with AuthorizedSession(account) as session:
            proxies, trusted = {"https": emulator.proxy}, emulator.env["REQUESTS_CA_BUNDLE"]
            answer = session.get(f"{url}/{path}", proxies=proxies, verify=trusted, timeout=30)
        answer.raise_for_status()
        return answer.json().get(key or path, [])

    return listed


@pytest.fixture
def connected(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connect operators of this process to the emulator."""
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    yield
    emulator.faults()
    with warnings.catch_warnings():  # a task's process ends with its sockets open
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def bigquery() -> Iterator[str]:
    """Serve one row to every query, over the protocol of BigQuery's REST API.

    The emulator has no BigQuery; the client library and the hook are real.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            field = {"name": "new_rows", "type": "INTEGER", "mode": "NULLABLE"}
            answer = {
                "kind": "bigquery#queryResponse",
                "schema": {"fields": [field]},
                "jobReference": {"projectId": "demo", "jobId": "j", "location": "US"},
                "totalRows": "1",
                "rows": [{"f": [{"v": "1500"}]}],
                "jobComplete": True,
            }
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def bucket(emulator: Any) -> Path:
    """Return the directory behind gs://demo-ml."""
    path = Path(emulator.env["GCSFUSE_ROOT"], "demo-ml")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def letters() -> Iterator[Inbox]:
    """Keep what alerts send."""
    with inbox() as kept:
        yield kept


@pytest.fixture(scope="session")
def airflow(
    emulator: Any, bigquery: str, letters: Inbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("airflow")
    dags = home / "dags"
    shutil.copytree(HERE / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(Path(dagfactory.runtime.__file__).parent, dags / PACKAGE)
    (dags / ".airflowignore").write_text(f"{PACKAGE}\n")
    (home / "logs").mkdir()
    env = emulator.environ() | settings(home, dags) | {"BIGQUERY_EMULATOR_HOST": bigquery}
    env |= letters.connections()
    migrate = [PYTHON, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=env, check=True, capture_output=True, timeout=300)
    with (home / "driver.log").open("w") as errors, driver(env, errors) as process:
        yield Airflow(process, home / "logs")
