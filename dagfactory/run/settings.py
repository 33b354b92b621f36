"""Airflow's configuration for a local run, as environment variables.

Every value that differs from Airflow's default says why. Defaults are tuned for clusters: a
scheduler that sleeps a second between looks, a processor that looks at a file every half minute.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from dagfactory.emulator.files import replace_text
from dagfactory.run.airflow_install import AirflowLine
from dagfactory.run.settings_airflow2 import airflow2_options
from dagfactory.run.state_folders import StateFolders

PARALLELISM = 4


def airflow_environment(
    state: StateFolders, dags: Path, port: int, line: AirflowLine
) -> dict[str, str]:
    """Return every AIRFLOW__… variable of a run that serves its API on `port` of the loopback."""
    url = f"http://127.0.0.1:{port}"
    options = {
        **_core(dags, url),
        **_speed(),
        **_quiet(),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state.database}?timeout=60",
        "LOGGING__BASE_LOG_FOLDER": str(state.logs / "tasks"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(state.logs / "dag_processor"),
        "API__BASE_URL": url,
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        **_doors(state),
        **_keys(state.home),
    }
    if line.target == "airflow2":
        options = airflow2_options(state, options)
    return {
        **line.path,
        "AIRFLOW_HOME": str(state.home),
        "PYTHONWARNINGS": "ignore",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **{f"AIRFLOW__{name}": value for name, value in options.items()},
    }


def _core(dags: Path, url: str) -> dict[str, str]:
    return {
        "CORE__EXECUTOR": "dagfactory.run.embedded.executor.LocalExecutor",
        "CORE__PARALLELISM": str(PARALLELISM),
        "CORE__DAGS_FOLDER": str(dags),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PLUGINS_FOLDER": str(dags / "plugins"),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        # The run asked for is the only one: a schedule must not start a second one beside it.
        "SCHEDULER__USE_JOB_SCHEDULE": "False",
        # … and begins when it is complete: a DAG is let go after its run was made, also one that
        # somebody has paused in the web UI.
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        # Every file of the folder counts, also one whose text does not look like a DAG.
        "CORE__DAG_DISCOVERY_SAFE_MODE": "False",
        # A file edited between two runs counts at once, also within half a minute.
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
        # A loaded laptop parses slowly; Composer's own limit is the job of `dagfactory check`.
        "CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [
                {
                    "name": "dags-folder",
                    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                    "kwargs": {},
                }
            ]
        ),
    }


def _speed() -> dict[str, str]:
    return {
        # The pause between two looks of the scheduler when it has nothing to do.
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # The triggerer looks for new deferred tasks, and reports fired ones, this often.
        "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
        "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "5",
        # One file is parsed once; later parses only cost CPU that the training needs.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # A thousand trials come in one answer.
        "API__MAXIMUM_PAGE_LIMIT": "10000",
        # Two deferred tasks that end together meet on one SQLite file.
        "DATABASE__MAX_DB_RETRIES": "10",
        "WORKERS__EXECUTION_API_TIMEOUT": "60",
        # How late the end of a task's process may be noticed: its slot is taken until then.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def _quiet() -> dict[str, str]:
    return {
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        "LOGGING__UVICORN_LOGGING_LEVEL": "WARNING",
        "LOGGING__NAMESPACE_LEVELS": "http.access=WARNING",
        "METRICS__STATSD_ON": "False",
        "API__ENABLE_SWAGGER_UI": "False",
        "API__INSTANCE_NAME": "dagfactory run (local)",
    }


def _doors(state: StateFolders) -> dict[str, str]:
    """Say who may come in: one user, by a password of this run."""
    return {
        "CORE__AUTH_MANAGER": "dagfactory.run.embedded.auth_manager.AuthManager",
        # Said, for a variable of the shell that says otherwise would count.
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state.passwords),
        # A run that trains for days, or is looked at that long, goes on with the token of its start.
        "API_AUTH__JWT_EXPIRATION_TIME": str(30 * 24 * 3600),
        # Airflow sets these whatever the umask says.
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
    }


def _keys(home: Path) -> dict[str, str]:
    """Return the keys all components share: those that sign are the run's, the one that encrypts is kept."""
    path, kept = home / "keys.json", "CORE__FERNET_KEY"
    if not path.exists():
        replace_text(path, json.dumps({kept: _fernet_key()}))
    return {
        kept: json.loads(path.read_text())[kept],
        "API__SECRET_KEY": secrets.token_urlsafe(32),
        "API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
    }


def _fernet_key() -> str:
    """32 random bytes in URL-safe base64 with padding, which is what Fernet calls a key."""
    return secrets.token_urlsafe(32) + "="


SERVER_MODULES = ["dagfactory.run.embedded.audit", "dagfactory.run.embedded.logs"]
_TRIGGERER_MODULES = ["airflow.providers.google.cloud.triggers.vertex_ai"]
_SCHEDULER_MODULES = ["google.auth.transport.requests", "google.oauth2.service_account"]

WARM_MODULES = [
    "dagfactory.emulator.server",
    "dagfactory.emulator.bigquery.seeds",
    "airflow.utils.serve_logs",
    "airflow.api_fastapi.execution_api.app",
    "alembic.runtime.environment",
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.triggerer_job_runner",
    "airflow.jobs.dag_processor_job_runner",
    "airflow.cli.commands.scheduler_command",
    "airflow.cli.commands.triggerer_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.providers.common.compat.sdk",
    "airflow.sdk.execution_time.task_runner",
    "dagfactory.run.embedded.executor",
    *_SCHEDULER_MODULES,
    *_TRIGGERER_MODULES,
]
"""What every run of an Airflow that is kept needs, imported once before all of them."""


def preload_modules(dags: Path, target: str) -> Mapping[str, list[str]]:
    """Say what the server, the scheduler (whose forks run the tasks) and the triggerer import first.

    The provider's trigger class costs seven seconds of CPU on first use; imported while the first
    tasks run, it is there when the first job is waited for. A DAG without Vertex AI pays nothing.
    """
    server = SERVER_MODULES if target == "airflow3" else []
    rendered = [
        path for path in dags.rglob("*.py") if "dagfactory_runtime_" not in str(path.parent)
    ]
    if not any("Vertex" in path.read_text(errors="replace") for path in rendered):
        return {"server": server, "triggerer": [], "scheduler": []}
    return {
        "server": server,
        "triggerer": _TRIGGERER_MODULES,
        "scheduler": _SCHEDULER_MODULES,
    }
