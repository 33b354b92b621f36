"""The Airflow line of a run: which Python has it, and how that line calls its parts.

Airflow 2 and 3 cannot share an environment. Airflow 3 stands in ours, Airflow 2 in one beside it
that has nothing of dagfactory; whatever is imported there comes with the bundle.
"""

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dagfactory.run.events import NotReadyError

VARIABLE = "DAGFACTORY_AIRFLOW2_PYTHON"
_BESIDE = Path(".venv-airflow2/bin/python")
_ASK = "import importlib.metadata as m; print(m.version('apache-airflow'))"


@dataclass(frozen=True, slots=True)
class AirflowLine:
    """An Airflow line as `run` starts it.

    `api` is the version of its REST API, `server` the command that serves it. A `processor` of its
    own reads the DAG files, without one the scheduler does.
    """

    target: str
    python: str
    version: str
    api: str = "v2"
    server: str = "api-server"
    processor: bool = True

    @property
    def path(self) -> Mapping[str, str]:
        """Variables that make `airflow` and `python` mean this line's in every process."""
        return {"PATH": os.pathsep.join([str(Path(self.python).parent), os.environ["PATH"]])}

    def serve(self, port: int) -> tuple[str, ...]:
        """Return the arguments of `airflow` that start the server."""
        if self.server == "api-server":
            return (self.server,)  # its port is a setting
        # one worker: one person looks at it, and each costs an import of Airflow
        address = ("--hostname", "127.0.0.1", "--port", str(port))
        return (self.server, *address, "--workers", "1", "--log-file", "-", "--access-logfile", "-")


def line_of(target: str) -> AirflowLine:
    """Return the line that runs DAGs of a target; NotReadyError when it is not installed."""
    return _airflow2() if target == "airflow2" else _airflow3()


def _airflow3() -> AirflowLine:
    try:
        version = importlib.metadata.version("apache-airflow-core")
    except importlib.metadata.PackageNotFoundError:
        raise NotReadyError(
            "`dagfactory run` needs Airflow, which is not installed in this environment",
            "install it with: pip install 'dagfactory[airflow]'",
        ) from None
    return AirflowLine("airflow3", sys.executable, version)


def _airflow2() -> AirflowLine:
    named = os.environ.get(VARIABLE)
    python = Path(named) if named else _BESIDE.absolute()  # a symlink that must not be followed
    try:
        asked = [str(python), "-c", _ASK]
        version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise NotReadyError(
            f"the target airflow2 needs a Python that has Airflow 2; there is none at {python}",
            f"make one with `make airflow2`, or name one with {VARIABLE}=…/bin/python",
        ) from None
    if not version.startswith("2."):
        raise NotReadyError(f"the target airflow2 needs Airflow 2, {python} has {version}")
    return AirflowLine(
        "airflow2", str(python), version, api="v1", server="webserver", processor=False
    )
