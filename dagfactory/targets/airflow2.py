"""Airflow 2.11 (Cloud Composer's default line).

Nothing stands elsewhere or under another name than in Airflow 3: the compatibility package offers
2.11's `Dataset` as `Asset`, and the standard provider exists for both lines. What is
missing is a deadline: an SLA counts from the schedule, per task, never for a run started by hand.
"""

from __future__ import annotations

from dagfactory.targets import COMPATIBLE, Target

TARGET = Target(name="airflow2", airflow="2.11.1", modules=COMPATIBLE, deadlines=False)
