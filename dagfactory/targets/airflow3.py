"""Airflow 3.x (Cloud Composer's newest line).

The compatibility package serves both lines from one text and warns in neither.
"""

from __future__ import annotations

from dagfactory.targets import Target

_SDK = "airflow.providers.common.compat.sdk"

TARGET = Target(
    name="airflow3",
    airflow="3.3.1",
    modules={
        "DAG": _SDK,
        "Param": _SDK,
        "TaskGroup": _SDK,
        "datetime": "pendulum",
        "timedelta": "datetime",
        "Asset": _SDK,
        "BashOperator": "airflow.providers.standard.operators.bash",
        "EmptyOperator": "airflow.providers.standard.operators.empty",
    },
)
