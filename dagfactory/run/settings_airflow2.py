"""Airflow 2's configuration for a local run, where it departs from Airflow 3's."""

import inspect
import shutil

from dagfactory.emulator import browsers
from dagfactory.run import links
from dagfactory.run.state_folders import StateFolders

_WEBSERVER = """\
import hmac
import json
import os
from pathlib import Path

from airflow.utils.log.file_task_handler import FileTaskHandler
from browsers import LOOPBACK_NAMES, refusal  # the copy in AIRFLOW_HOME/config
from flask import Response, abort, request, request_started
from links import PREFIX, SPENT, take_link  # a copy too

AUTH_ROLE_PUBLIC = "Admin"  # of whoever `check` lets in
HOME = Path(os.environ["AIRFLOW_HOME"])
USERS = json.loads((HOME / "passwords.json").read_text())
COOKIE = "dagfactory_run"
# made of the password, so that a worker that is started again knows it
LOGGED_IN = hmac.digest("".join(USERS.values()).encode(), COOKIE.encode(), "sha256").hex()

# the files of running tasks are read anyway; a log server would listen on all addresses
FileTaskHandler._read_from_logs_server = lambda *_: ([], [])


def check(*_, **__):
    reason = refusal({name.lower(): value for name, value in request.headers}, LOOPBACK_NAMES)
    if reason:
        abort(Response(f"refused: {reason}", 403))
    if request.path.startswith(PREFIX):
        follow(request.path.removeprefix(PREFIX))
    if hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), LOGGED_IN.encode()):
        return
    given = request.authorization
    known = USERS.get(given.username) if given else None
    if known is None or not hmac.compare_digest(given.password.encode(), known.encode()):
        abort(Response("", 401, {"WWW-Authenticate": 'Basic realm="dagfactory run"'}))


def follow(secret):
    page = take_link(HOME / "links", secret)
    if page is None:
        abort(Response(SPENT, 403))
    cookie = f"{COOKIE}={LOGGED_IN}; HttpOnly; Path=/; SameSite=Lax"
    quiet = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    abort(Response("", 303, {"Location": page, "Set-Cookie": cookie, **quiet}))


request_started.connect(check, weak=False)
"""
"""The web server's configuration: a request is of no foreign page, and shows the run's password or a cookie.

Users of Airflow 2 lie in its database, which is used again; a password of the run does not.
"""

_EXECUTOR = """\
from airflow.executors.local_executor import LocalExecutor


class OneAtATime(LocalExecutor):
    is_single_threaded = True  # with one worker
"""
"""Forks of the scheduler as tasks, one at a time, which is what Airflow 2 allows on SQLite.

Its own SequentialExecutor starts a new Python for each task (3 s of CPU) and stops the scheduler
meanwhile.
"""

_UNKNOWN = (
    "API_AUTH__",
    "API__BASE_URL",
    "API__ENABLE_SWAGGER_UI",
    "API__HOST",
    "API__INSTANCE_NAME",
    "API__PORT",
    "API__SECRET_KEY",
    "CORE__EXECUTION_API_SERVER_URL",
    "CORE__AUTH_MANAGER",
    "CORE__SIMPLE_AUTH_MANAGER_",
    "DAG_PROCESSOR__",
    "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY",
    "LOGGING__NAMESPACE_LEVELS",
    "LOGGING__UVICORN_LOGGING_LEVEL",
    "WORKERS__",
)
"""Beginnings of the options that came with Airflow 3."""


def airflow2_options(state: StateFolders, airflow3: dict[str, str]) -> dict[str, str]:
    """Return the options of a run without their prefix, made from those for Airflow 3."""
    server = state.home / "webserver_config.py"
    server.write_text(_WEBSERVER)
    config = state.home / "config"  # Airflow imports from there
    config.mkdir(exist_ok=True)
    for module in (browsers, links):
        shutil.copy(inspect.getfile(module), config)
    (config / "one_at_a_time.py").write_text(_EXECUTOR)
    shared = {name: value for name, value in airflow3.items() if not name.startswith(_UNKNOWN)}
    return shared | {
        # Jobs still run side by side, for a task that waits for one is deferred.
        "CORE__EXECUTOR": "one_at_a_time.OneAtATime",
        "CORE__PARALLELISM": "1",
        # A task that ends and the scheduler would both queue what comes next: SQLite has no row lock
        # that keeps them apart, and a try is counted twice.
        "SCHEDULER__SCHEDULE_AFTER_TASK_EXECUTION": "False",
        "CORE__DAG_FILE_PROCESSOR_TIMEOUT": airflow3["DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"],
        "SCHEDULER__MIN_FILE_PROCESS_INTERVAL": airflow3[
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"
        ],
        "SCHEDULER__PARSING_PROCESSES": airflow3["DAG_PROCESSOR__PARSING_PROCESSES"],
        "SCHEDULER__CHILD_PROCESS_LOG_DIRECTORY": str(state.logs / "dag_processor"),
        "LOGGING__DAG_PROCESSOR_MANAGER_LOG_LOCATION": str(state.logs / "dag-processor.log"),
        "WEBSERVER__CONFIG_FILE": str(server),
        # A loaded laptop is slow; how long to wait at all is said in one place (`RunningAirflow.wait`).
        "WEBSERVER__WEB_SERVER_MASTER_TIMEOUT": "600",
        "WEBSERVER__WEB_SERVER_WORKER_TIMEOUT": "600",
        "WEBSERVER__SECRET_KEY": airflow3["API__SECRET_KEY"],
        "WEBSERVER__INSTANCE_NAME": airflow3["API__INSTANCE_NAME"],
        "API__AUTH_BACKENDS": "airflow.api.auth.backend.default",
    }
