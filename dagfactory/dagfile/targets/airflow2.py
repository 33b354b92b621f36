"""Airflow 2.11 (Cloud Composer's default line).

Almost nothing stands elsewhere or under another name than in Airflow 3: the compatibility package offers
2.11's `Dataset` as `Asset`, and the standard provider exists for both lines. A schedule of assets and
times, and stopping a run at its first failure, have other names. What is missing is a deadline: an SLA
counts from the schedule, per task, never for a run started by hand.
"""

from __future__ import annotations

from dagfactory.dagfile.targets import COMPATIBLE, Target

TARGET = Target(
    name="airflow2",
    airflow="2.11.1",
    modules=COMPATIBLE
    | {
        "AssetOrTimeSchedule": "airflow.timetables.datasets",
        "CronTriggerTimetable": "airflow.timetables.trigger",
    },
    words={
        "AssetOrTimeSchedule": "DatasetOrTimeSchedule",
        "assets": "datasets",
        "fail_fast": "fail_stop",
    },
    deadlines=False,
)
