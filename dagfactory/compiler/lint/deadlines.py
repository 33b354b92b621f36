"""Deadlines for an Airflow line that has none: nobody would be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.dagfile.targets import target
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_HELP = "`alerts: {monitoring: {duration: ...}}` watches finished runs on every line"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find a deadline where the environment's line cannot keep one."""
    alerts, environment = plan.pipeline.alerts, plan.environment
    if alerts is None or alerts.deadline is None or environment is None:
        return
    line = target(environment.target)
    # Airflow 2 has `sla`, which counts from the schedule and shows at the next run: rendering
    # that under this key would promise what it does not keep
    if not line.deadlines:
        message = f"Airflow {line.airflow} has no deadlines, this one is left out"
        path = ("alerts", "deadline")
        yield Diagnostic("DF342", message, Pointer(path, key=True), help=_HELP, severity="warning")
