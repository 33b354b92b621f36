"""What runs that assets start do not have: on Airflow 3 a logical date and all that is counted from it.

On Airflow 2 their logical date is the moment of the last update, so that only another DAG's run of the same
date cannot be found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._texts import Text, rendered
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.lint._template import Use
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath

DUE = "dag_run.run_after"
"""When a run was due: every run of Airflow 3 has it."""

MISSING = {name: f"{DUE} | {name}" for name in ("ds", "ds_nodash", "ts", "ts_nodash")} | {
    "ts_nodash_with_tz": f"{DUE} | ts_nodash_with_tz",
    "logical_date": DUE,
    "data_interval_start": DUE,
    "data_interval_end": DUE,
    "prev_data_interval_start_success": "prev_start_date_success",
    "prev_data_interval_end_success": "prev_start_date_success",
}
"""The variables that such a run lacks, with what to write instead."""

_EMPTY = ("logical_date", "data_interval_start", "data_interval_end")
"""What is there as an attribute of `dag_run`, and None."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find what such a run fails at, or waits for in vain."""
    schedule = plan.pipeline.schedule
    if not schedule or not schedule.assets:
        return
    found = _found(plan)
    # beside `cron` the runs of the clock have all of it, so a part of them works
    yield from (replace(each, severity="warning") for each in found) if schedule.cron else found


def _found(plan: Plan) -> Iterator[Diagnostic]:
    for item in plan.tasks.values():
        yield from _waiting(item, plan)
    # Airflow 2 gives every run a logical date
    for text in () if plan.target == "airflow2" else rendered(plan):
        for use in text.template.uses:
            yield from _date(text, use)


def _date(text: Text, use: Use) -> Iterator[Diagnostic]:
    """Find a variable that is not defined, or an attribute of None."""
    instead = MISSING.get(use.name) if use.where != "maybe" else None
    name = use.name
    if use.name == "dag_run" and use.where == "always" and len(use.keys) > 1:
        instead = DUE if use.keys[0][0] in _EMPTY else None
        name = f"dag_run.{use.keys[0][0]}"
    if instead:
        place = Pointer(text.path, start=use.start, end=use.start + len(name))
        found = _problem(place, f"no `{name}`", f"write `{instead}`")
        yield replace(found, severity=text.severity)


def _waiting(item: PlannedTask, plan: Plan) -> Iterator[Diagnostic]:
    """Find tasks that wait for something that is counted from the logical date."""
    task = item.task
    if task.type == "wait_for_dag":
        message = "no logical date that a run of another DAG could share"
        help_ = "wait for what that DAG writes: list its outlet under `schedule: {assets: [...]}`"
        yield _problem(_at(item, "dag"), message, help_)
    elif plan.target == "airflow2":
        return
    elif task.type == "wait_for_gcs" and task.field("updated"):
        help_ = "wait with `object:` for a name that has the run or its day in it"
        yield _problem(_at(item, "updated"), "no data interval", help_)
    elif task.type == "wait_until" and task.field("delay"):
        seconds = int(task.field("delay").total_seconds())
        moment = f"{{{{ {DUE} + macros.timedelta(seconds={seconds}) }}}}"
        yield _problem(_at(item, "delay"), "no data interval", f'write `at: "{moment}"`')
    elif task.type == "wait_until" and task.field("time"):
        moment = f"{{{{ {DUE} | ds }}}}T{task.field('time')}+00:00"
        help_ = f'write `at: "{moment}"`, with the offset that you mean'
        yield _problem(_at(item, "time"), "no data interval", help_)


def _at(item: PlannedTask, key: str) -> Pointer:
    path: KeyPath = (*item.path, key)
    return Pointer(path)


def _problem(place: Pointer, lacks: str, help_: str) -> Diagnostic:
    return Diagnostic("DF352", f"a run that assets start has {lacks}", place, help=help_)
