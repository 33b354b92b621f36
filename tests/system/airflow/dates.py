"""A program for either line: print logical date and end of the interval of the first run of schedules."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import pendulum
from airflow.timetables.base import TimeRestriction

try:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

START = pendulum.datetime(2026, 1, 5, 3)


def first_run(schedule: Any) -> list[str]:
    """Return the dates of the first run, as the scheduler works them out."""
    dag = DAG("d", schedule=schedule, start_date=START, catchup=True)
    read = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))
    bounds = TimeRestriction(earliest=START, latest=None, catchup=True)
    found = read.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=bounds)
    return [str(found.logical_date), str(found.data_interval.end), str(found.run_after)]


schedules = ["0 3 * * *", "@daily", timedelta(hours=6)]
sys.stdout.write("\n" + json.dumps([first_run(each) for each in schedules]) + "\n")
