"""Operators by dotted path: where Airflow 3 keeps them, and which have a task type of their own."""

from __future__ import annotations

_STANDARD = "airflow.providers.standard"
_MODULES = {
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

BASH = f"{_STANDARD}.operators.bash.BashOperator"
EMPTY = f"{_STANDARD}.operators.empty.EmptyOperator"
PYTHON = f"{_STANDARD}.operators.python.PythonOperator"
EXTERNAL_TASK = f"{_STANDARD}.sensors.external_task.ExternalTaskSensor"
HTTP = "airflow.providers.http.operators.http.HttpOperator"

_PYTHON_MODULE = f"{_STANDARD}.operators.python"
TAKES_A_FUNCTION = frozenset(
    {
        f"{_PYTHON_MODULE}.{name}"
        for name in (
            "BranchPythonOperator",
            "BranchExternalPythonOperator",
            "BranchPythonVirtualenvOperator",
            "ExternalPythonOperator",
            "PythonVirtualenvOperator",
            "ShortCircuitOperator",
        )
    }
    | {f"{_STANDARD}.sensors.python.PythonSensor"}
)
"""Operators whose work is a Python function that only the DAG file could import."""

REMOVED = ("airflow.contrib.", "airflow.operators.subdag", "airflow.hooks.")
"""Beginnings of dotted paths that Airflow 3 has removed."""

TASK_DECORATORS = frozenset(
    {
        "airflow.decorators.task",
        "airflow.decorators.python.python_task",
        "airflow.decorators.task.python",
        "airflow.sdk.task",
        "airflow.sdk.task.python",
        "airflow.sdk.definitions.decorators.task",
        "airflow.sdk.definitions.decorators.task.python",
    }
)

BASE_ARGUMENTS = frozenset(
    {
        "allow_nested_operators",
        "depends_on_past",
        "doc",
        "doc_json",
        "doc_rst",
        "doc_yaml",
        "do_xcom_push",
        "email",
        "email_on_failure",
        "email_on_retry",
        "end_date",
        "executor",
        "executor_config",
        "ignore_first_depends_on_past",
        "inlets",
        "logger_name",
        "map_index_template",
        "max_active_tis_per_dag",
        "max_active_tis_per_dagrun",
        "multiple_outputs",
        "outlets",
        "owner",
        "params",
        "post_execute",
        "pre_execute",
        "render_template_as_native_obj",
        "resources",
        "retry_policy",
        "run_as_user",
        "sla",
        "start_date",
        "task_display_name",
        "wait_for_downstream",
        "wait_for_past_depends_before_skipping",
        "weight_rule",
    }
)
"""What every operator takes besides the keys that each task of the language has."""


def modern(path: str) -> str:
    """Return the path under which Airflow 3 and its providers know an operator."""
    module, _, name = path.rpartition(".")
    known = _MODULES.get(module, module)
    if known == "airflow.providers.http.operators.http" or known.endswith("operators.empty"):
        name = _CLASSES.get(name, name)
    return f"{known}.{name}" if known else name


def renamed(path: str) -> bool:
    """Return whether the class of the operator has another name in Airflow 3, not just another module."""
    return path.rpartition(".")[2] == "SimpleHttpOperator"
