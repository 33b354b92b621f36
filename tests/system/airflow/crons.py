"""A program for either Airflow line: read schedules as JSON, say for each whether Airflow takes it.

For each text two answers: as the `schedule` of a DAG, through validation and serialization, and as the
text of a CronTriggerTimetable.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

try:
    from airflow.sdk import DAG, CronTriggerTimetable
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # Airflow 2
    from airflow.models.dag import DAG
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
    from airflow.timetables.trigger import CronTriggerTimetable

START = datetime(2026, 1, 5, tzinfo=timezone.utc)  # noqa: UP017 - Airflow 2's environment may be older


def scheduled(text: str) -> None:
    """Do with a DAG what the DAG processor does before it keeps one; raises when it would not."""
    runs = {"max_active_runs": 1} if text == "@continuous" else {}
    dag = DAG("d", schedule=text, start_date=START, catchup=False, **runs)
    dag.validate()
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    again.timetable.validate()


def timetable(text: str) -> None:
    """Raise what a timetable raises of a cron text."""
    CronTriggerTimetable(text, timezone="UTC").validate()


def taken(check: Callable[[str], None], text: str) -> bool:
    """Whether a check passes; Airflow turns whatever it raises into an import error."""
    try:
        check(text)
    except Exception:  # noqa: BLE001
        return False
    return True


def main(texts: list[str]) -> dict[str, Any]:
    """Return both answers for every text."""
    return {text: [taken(scheduled, text), taken(timetable, text)] for text in texts}


if __name__ == "__main__":
    answers = main(json.load(sys.stdin))
    sys.stdout.write("\n" + json.dumps(answers) + "\n")
