"""Operators by dotted path: where Airflow 3 keeps them, and which have a task type of their own."""

from __future__ import annotations

_STANDARD = "airflow.providers.standard"
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

OF_FUNCTIONS = frozenset(
    {
        *("python_callable", "python_callable_name", "python_callable_file"),
        *("op_kwargs", "op_args", "templates_dict"),
    }
)
"""Arguments that say which function a Python task calls, and with what."""

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
