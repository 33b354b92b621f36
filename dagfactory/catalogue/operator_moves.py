"""Where Airflow 3 and its providers keep operators that Airflow 2 and 1.10 had elsewhere."""

from __future__ import annotations

_STANDARD = "airflow.providers.standard"
MODULES = {
    "airflow.operators.bash": f"{_STANDARD}.operators.bash",
    "airflow.operators.bash_operator": f"{_STANDARD}.operators.bash",
    "airflow.operators.branch": f"{_STANDARD}.operators.branch",
    "airflow.operators.branch_operator": f"{_STANDARD}.operators.branch",
    "airflow.operators.dagrun_operator": f"{_STANDARD}.operators.trigger_dagrun",
    "airflow.operators.datetime": f"{_STANDARD}.operators.datetime",
    "airflow.operators.dummy": f"{_STANDARD}.operators.empty",
    "airflow.operators.dummy_operator": f"{_STANDARD}.operators.empty",
    "airflow.operators.email": "airflow.providers.smtp.operators.smtp",
    "airflow.operators.email_operator": "airflow.providers.smtp.operators.smtp",
    "airflow.operators.empty": f"{_STANDARD}.operators.empty",
    "airflow.operators.http_operator": "airflow.providers.http.operators.http",
    "airflow.operators.latest_only": f"{_STANDARD}.operators.latest_only",
    "airflow.operators.latest_only_operator": f"{_STANDARD}.operators.latest_only",
    "airflow.operators.python": f"{_STANDARD}.operators.python",
    "airflow.operators.python_operator": f"{_STANDARD}.operators.python",
    "airflow.operators.smooth": f"{_STANDARD}.operators.smooth",
    "airflow.operators.sql": "airflow.providers.common.sql.operators.sql",
    "airflow.operators.trigger_dagrun": f"{_STANDARD}.operators.trigger_dagrun",
    "airflow.operators.weekday": f"{_STANDARD}.operators.weekday",
    "airflow.sensors.bash": f"{_STANDARD}.sensors.bash",
    "airflow.sensors.date_time": f"{_STANDARD}.sensors.date_time",
    "airflow.sensors.external_task": f"{_STANDARD}.sensors.external_task",
    "airflow.sensors.external_task_sensor": f"{_STANDARD}.sensors.external_task",
    "airflow.sensors.filesystem": f"{_STANDARD}.sensors.filesystem",
    "airflow.sensors.http_sensor": "airflow.providers.http.sensors.http",
    "airflow.sensors.python": f"{_STANDARD}.sensors.python",
    "airflow.sensors.sql": "airflow.providers.common.sql.sensors.sql",
    "airflow.sensors.time_delta": f"{_STANDARD}.sensors.time_delta",
    "airflow.sensors.time_sensor": f"{_STANDARD}.sensors.time",
    "airflow.sensors.weekday": f"{_STANDARD}.sensors.weekday",
}
_CLASSES = {"DummyOperator": "EmptyOperator", "SimpleHttpOperator": "HttpOperator"}


def modern(path: str) -> str:
    """Return the path under which Airflow 3 and its providers know an operator."""
    module, _, name = path.rpartition(".")
    known = MODULES.get(module, module)
    if known == "airflow.providers.http.operators.http" or known.endswith("operators.empty"):
        name = _CLASSES.get(name, name)
    return f"{known}.{name}" if known else name


def renamed(path: str) -> bool:
    """Return whether the class of the operator has another name in Airflow 3, not just another module."""
    return path.rpartition(".")[2] == "SimpleHttpOperator"
