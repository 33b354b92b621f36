"""Alerts as callbacks of Airflow: objects of the runtime, in the DAG's and the tasks' arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Call
from dagfactory.task_api.own_code import code_argument

if TYPE_CHECKING:
    from dagfactory.language.alerts import Alerts, Notifier, TaskAlerts
    from dagfactory.task_api.context import LoweringContext

_OF_TASKS = {
    "on_failure": "on_failure_callback",
    "on_retry": "on_retry_callback",
    "on_success": "on_success_callback",
    "on_skipped": "on_skipped_callback",
}
_OF_RUNS = {
    "on_run_failure": "on_failure_callback",
    "on_run_success": "on_success_callback",
}
_CLASSES = {
    "slack": "SlackAlert",
    "email": "EmailAlert",
    "pagerduty": "PagerDutyAlert",
    "webhook": "WebhookAlert",
    "python": "PythonAlert",
}


def task_callbacks(alerts: TaskAlerts | None, lowering: LoweringContext) -> dict[str, Any]:
    """Return the callbacks of a task (or of all: `default_args`) for the events that are named."""
    return _callbacks(alerts, _OF_TASKS, lowering)


def run_callbacks(alerts: Alerts | None, lowering: LoweringContext) -> dict[str, Any]:
    """Return the DAG's own callbacks."""
    return _callbacks(alerts, _OF_RUNS, lowering)


def _callbacks(
    alerts: TaskAlerts | None, names: dict[str, str], lowering: LoweringContext
) -> dict[str, Any]:
    chosen = {key: getattr(alerts, key) for key in names} if alerts else {}
    return {
        names[key]: [call(each, key.removeprefix("on_"), lowering) for each in notifiers]
        for key, notifiers in chosen.items()
        if notifiers is not None
    }


def call(
    notifier: Notifier, event: str, lowering: LoweringContext, leave_out: tuple[str, ...] = ()
) -> Call:
    """Return the construction of one alert, without what is absent and what is left out."""
    key = next(key for key in _CLASSES if getattr(notifier, key) is not None)
    given = getattr(notifier, key).model_dump(exclude_none=True, exclude=set(leave_out))
    if key == "python":
        function = given.pop("callable")
        given = {"function": function, **given, **code_argument(function, lowering)}
    given = {name: value for name, value in given.items() if value not in ({}, [])}
    return Call(lowering.runtime("alert", _CLASSES[key]), {"event": event, **given})
