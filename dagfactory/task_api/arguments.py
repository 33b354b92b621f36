"""Operator arguments that every task type shares."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Call, Symbol
from dagfactory.task_api.alerts import task_callbacks
from dagfactory.task_api.assets import asset

if TYPE_CHECKING:
    from dagfactory.language.task import Retries, TaskBase
    from dagfactory.task_api.context import LoweringContext

_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def delta(value: timedelta) -> Call:
    """Return `timedelta(unit=n)` in the largest unit that divides it."""
    seconds = value.total_seconds()
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return Call(Symbol("datetime", "timedelta"), {unit: int(seconds // size)})
    return Call(Symbol("datetime", "timedelta"), {"seconds": seconds})


def retry_arguments(retries: Retries | None) -> dict[str, Any]:
    """Return Airflow's retry arguments for the fields that are set."""
    if retries is None:
        return {}
    made: dict[str, Any] = {}
    if retries.attempts is not None:
        made["retries"] = retries.attempts
    if retries.delay is not None:
        made["retry_delay"] = delta(retries.delay)
    if retries.backoff is not None:
        made["retry_exponential_backoff"] = retries.backoff == "exponential"
    if retries.max_delay is not None:
        made["max_retry_delay"] = delta(retries.max_delay)
    return made


def operator_arguments(
    task: TaskBase, lowering: LoweringContext, *, timeout: bool = True
) -> dict[str, Any]:
    """Return the arguments that a task's common keys stand for, leaving defaults out.

    With `timeout` false the task's own time limit is enforced elsewhere (by Vertex AI).
    """
    defaults = lowering.pipeline.defaults
    made = retry_arguments(task.retries)
    limit = task.timeout or defaults.timeout
    if timeout and limit:
        made["execution_timeout"] = delta(limit)
    plain = {
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "queue": task.queue,
        "priority_weight": task.priority,
        "trigger_rule": task.trigger_rule,
        "depends_on_past": task.depends_on_past,
        "wait_for_downstream": task.wait_for_downstream,
        "outlets": [asset(name, lowering) for name in task.outlets] or None,
        "doc_md": task.doc,
    }
    given = {key: value for key, value in plain.items() if value is not None}
    return made | given | task_callbacks(task.alerts, lowering)
