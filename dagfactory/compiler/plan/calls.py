"""The functions that a plan calls by their dotted paths: of `python` tasks and of alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagfactory.language.alerts import Alerts, TaskAlerts

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.alerts import Notifier


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call: the function, its keyword arguments, where it stands, how many come before by position."""

    function: str
    arguments: Mapping[str, Any]
    path: KeyPath
    positional: int


def calls(plan: Plan) -> Iterator[PlannedCall]:
    """Yield every call of a plan."""
    yield from _of_alerts(plan.pipeline.alerts, ("alerts",))
    for item in plan.tasks.values():
        yield from _of_alerts(item.task.alerts, (*item.path, "alerts"))
        if item.task.type == "python":
            function, arguments = item.task.field("callable"), item.task.field("args")
            yield PlannedCall(function, arguments, item.path, 0)


def _of_alerts(alerts: TaskAlerts | None, path: KeyPath) -> Iterator[PlannedCall]:
    for event in type(alerts).model_fields if alerts else ():
        yield from _told(getattr(alerts, event), (*path, event))
    if isinstance(alerts, Alerts) and alerts.deadline:
        yield from _told(alerts.deadline.notify, (*path, "deadline", "notify"))


def _told(notifiers: Any, path: KeyPath) -> Iterator[PlannedCall]:
    """Yield the functions among ways to tell somebody; each gets Airflow's context first."""
    found: list[Notifier] = notifiers if isinstance(notifiers, list) else []
    for index, each in enumerate(found):
        if each.python:
            here = (*path, index, "python")
            yield PlannedCall(each.python.callable, each.python.args, here, 1)
