"""Metrics that a gate or a sweep waits for and nothing writes: it would never pass, after training."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._reference import sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.language.condition import GateSyntaxError, names, parse
from dagfactory.language.job import JobTask

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath

_ANSWER = ("accuracy", "relational_accuracy", "non_relational_accuracy")
_HUMAN = ("vqa_accuracy",)  # only where the data say what people answered
_MODEL = (
    "recall_at_k",
    "kept_fraction",
    "relevance_loss",
    "relevance_iou",
    "query_distinctness",
    "budget_mean",
    "budget_total",
    "budget_std",
    "budget_most",
    "budget_on_target_ratio",
    "lambda_1",
    "lambda_2",
    "lambda_3",
    *(f"level_{level}" for level in range(4)),
    *(f"tier_{tokens}" for tokens in (64, 100, 160, 256, 400)),
)
_VLM = (
    *_HUMAN,
    "recall_at_k",
    "kept_fraction",
    "relevance_iou",
    "budget_mean",
    "lambda_1",
    "lambda_2",
    "lambda_3",
)
_EVALUATION = (
    "milliseconds_per_image",
    "multiply_adds",
    "pixels_read",
    "ablation_drop",
    "relevance_valid",
)
_BASELINES = (
    "chance_accuracy",
    "baseline_accuracy",
    "relational_baseline_accuracy",
    "non_relational_baseline_accuracy",
)
TRAINER: dict[str, tuple[str, ...]] = {
    "trainer": (*(f"val_{name}" for name in (*_ANSWER, *_HUMAN, *_MODEL)), "loss"),
    "trainer.evaluate": (*_ANSWER, *_HUMAN, *_MODEL, *_EVALUATION, *_BASELINES),
    "trainer.data": ("images", "held_out_images", "questions"),
    "trainer.vqa": ("images", "questions", "questions_left_out"),
    "trainer.vqa_export": ("images", "questions"),
    "trainer.vlm": (*(f"val_{name}" for name in _VLM), "loss"),
    "trainer.vlm.evaluate": _VLM,
}
"""What the trainer's programs write; tests/compiler/lint and tests/trainer/vlm compare it with their code."""

_COUNTED = ("epoch", "epochs", "step", "steps")
_ENDED = "that training reached its end is `require: {complete: true}` of `validate_checkpoint`"

_FREE = ("bash", "python", "operator", "pipeline")
"""Types whose result may be a JSON text of metrics."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find gates whose metrics no task writes, and metrics that the trainer does not know."""
    for item in plan.tasks.values():
        metric = item.task.field("metric")
        if item.task.type == "gate":
            yield from _gate(plan, item)
        elif metric and isinstance(item.task, JobTask):
            yield from _unknown([metric.name], item.task, (*item.path, "metric", "name"))


def _gate(plan: Plan, item: PlannedTask) -> Iterator[Diagnostic]:
    path, given = (*item.path, "metrics"), item.task.field("metrics") or ""
    if isinstance(given, str):
        yield from _source(plan, item, given, path, "")
        return
    for name, each in given.items():
        node = plan.node.find((*path, name))
        place = (name,) if node and isinstance(node.value, str) else (name, "address")
        yield from _source(plan, item, each.address or "", (*path, *place), f"{name}.")


def _source(
    plan: Plan, item: PlannedTask, text: str, path: KeyPath, prefix: str
) -> Iterator[Diagnostic]:
    """Look at one address; in the condition its metrics stand behind `prefix`."""
    for ref, source in sources(plan, text):
        if isinstance(source.task, JobTask) and (ref.path[1:] == ("metrics",) or text != str(ref)):
            used = [each[len(prefix) :] for each in _used(item) if each.startswith(prefix)]
            when = (*item.path, "when")
            yield from _unknown(used, source.task, when, gate=item, prefix=prefix)
            continue
        if source.task.type in _FREE:
            continue
        if isinstance(source.task, JobTask) and "metrics" in source.outputs:
            help_ = f"write `${{tasks.{source.id}.metrics}}`"
        else:
            help_ = "refer to a job that measures: `${tasks.ID.metrics}`"
        yield Diagnostic(
            "DF303",
            f"`{ref}` is not a file of metrics",
            Pointer(path, start=ref.start, end=ref.end),
            help=help_,
            severity="warning",
        )


def _used(gate: PlannedTask) -> list[str]:
    """Return the metrics that a condition names."""
    try:
        given = gate.task.field("metrics")
        sources = given if isinstance(given, dict) else ()
        return list(names(parse(gate.task.field("when"), sources=sources)).metrics)
    except GateSyntaxError:
        return []


def _unknown(
    used: list[str],
    task: JobTask,
    path: KeyPath,
    gate: PlannedTask | None = None,
    prefix: str = "",
) -> Iterator[Diagnostic]:
    """Compare names with what one of the trainer's programs writes; `gate` holds a condition."""
    # with a command or script of its own a job runs another program, whose metrics nobody knows
    known = TRAINER.get(task.module or "") if not (task.command or task.script) else None
    text = gate.task.field("when") if gate else ""
    for name in used if known else ():
        if name in (known or ()):
            continue
        # not behind a dot: in `params.accuracy` no metric is named
        found = re.search(rf"(?<![\w.]){re.escape(prefix + name)}(?!\w)", text)
        yield Diagnostic(
            "DF303",
            f"`{task.module}` writes no metric `{name}`",
            Pointer(
                path, start=found.start() if found else None, end=found.end() if found else None
            ),
            help=_ENDED if name in _COUNTED else did_you_mean(name, known or (), "it writes"),
            severity="warning",
        )
