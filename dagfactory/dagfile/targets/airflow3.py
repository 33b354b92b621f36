"""Airflow 3.x (Cloud Composer's newest line)."""

from __future__ import annotations

from dagfactory.dagfile.targets import COMPATIBLE, Target

TARGET = Target(
    name="airflow3",
    airflow="3.3.1",
    modules=COMPATIBLE
    | {
        "ApprovalOperator": "airflow.providers.standard.operators.hitl",
        "AssetOrTimeSchedule": "airflow.sdk",
        "CronTriggerTimetable": "airflow.sdk",
    },
)
