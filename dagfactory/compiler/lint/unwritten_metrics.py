"""Metrics that a program of the project never writes: the trials would all train, and none could win."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._reference import sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.job import JobTask
from dagfactory.task_api.job_code import job_code

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath

_WRITES = re.compile(r"metrics\.json|write_metrics|hypertune|CLOUD_ML_HP_METRIC")
"""By what a program that leaves metrics gives itself away: docs/own_trainer.md."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find sweeps and gates that wait for metrics of a program whose files speak of none."""
    for item in plan.tasks.values():
        if item.task.field("metric") and isinstance(item.task, JobTask):
            yield from _silent(plan, item.task, (*item.path, "metric"))
        elif item.task.type == "gate":
            yield from _gate(plan, item)


def _gate(plan: Plan, item: PlannedTask) -> Iterator[Diagnostic]:
    given = item.task.field("metrics")
    named = given.items() if isinstance(given, dict) else ()
    texts: list[tuple[tuple[str, ...], str]]
    texts = [((name,), each.address or "") for name, each in named] or [((), given or "")]
    for below, text in texts:
        for _, source in sources(plan, text):
            # of a sweep one hears at its own metric
            if isinstance(source.task, JobTask) and not source.task.field("metric"):
                yield from _silent(plan, source.task, (*item.path, "metrics", *below))


def _silent(plan: Plan, task: JobTask, path: KeyPath) -> Iterator[Diagnostic]:
    code = job_code(task, plan.pipeline).sources
    given = map(str, (*task.args.values(), *task.positional, *task.env.values()))
    texts = [*given, *(content.decode("utf-8", "replace") for content in code.values())]
    if code and not any(map(_WRITES.search, texts)):
        message = (
            f"nothing in {f'`{task.script}`' if task.script else 'the package'} writes metrics"
        )
        help_ = 'write {"accuracy": 0.9} to `metrics.json` beside the model, as docs/own_trainer.md shows'
        yield Diagnostic("DF368", message, Pointer(path), help=help_, severity="warning")
