"""Metrics of jobs, through Airflow's own: they go where the environment sends those."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

WAITING, RUNNING = "dagfactory.job.waiting_time", "dagfactory.job.running_time"
FALLBACKS, PREEMPTIONS = "dagfactory.job.fallbacks", "dagfactory.job.preemptions"

log = logging.getLogger(__name__)


def timed(name: str, seconds: float | None, ti: Any, **tags: str) -> None:
    """Report how long something took, unless that is not known."""
    if seconds is not None:
        # as a timedelta: of a number, the lines of Airflow do not agree about the unit
        _send(
            lambda stats, every: stats.timing(name, timedelta(seconds=seconds), tags=every),
            ti,
            tags,
        )


def counted(name: str, ti: Any, **tags: str) -> None:
    """Report that something has happened once."""
    _send(lambda stats, every: stats.incr(name, tags=every), ti, tags)


def _send(send: Callable[[Any, dict[str, str]], None], ti: Any, tags: dict[str, str]) -> None:
    """Report a metric of a task; a task never fails for one."""
    try:
        from airflow.providers.common.compat.sdk import Stats

        send(Stats, {"dag_id": ti.dag_id, "task_id": ti.task_id, **tags})
    except Exception:
        log.warning("A metric is not reported", exc_info=True)
