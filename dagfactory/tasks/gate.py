"""`gate`: a condition on measured metrics decides which tasks follow; in doubt it stays shut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.language.common import Project, TaskId, Text, bad, listed, missing
from dagfactory.language.condition import Expression, GateSyntaxError, Names, names, parse
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._metrics import Source, Sources, arguments

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


TaskIds = Annotated[
    list[TaskId], BeforeValidator(listed, json_schema_input_type=TaskId | list[TaskId])
]


class Gate(TaskBase):
    """Follow `then` when the condition holds, `else` when it does not; without metrics it fails."""

    unmapped: ClassVar[str | None] = (
        "decide once in a gate, and give `for_each` to the tasks that follow"
    )

    type: Literal["gate"]
    metrics: str | Sources | None = Field(
        default=None,
        description="Address of a `metrics.json`, or several by names, each an address or a `model`.",
        examples=[
            "${tasks.evaluate.metrics}",
            {
                "new": "${tasks.evaluate.metrics}",
                "old": {"model": "arr-coc", "default": {"accuracy": 0}},
            },
        ],
    )
    query: Text | None = Field(
        default=None,
        description="SQL for BigQuery instead: the columns of its first row are the metrics.",
        examples=["SELECT COUNT(*) AS new_rows FROM `p.d.images` WHERE date >= '{{ ds }}'"],
    )
    project: Project | None = Field(
        default=None,
        description="Project that pays for the query; the environment's if absent.",
        examples=["my-billing"],
    )
    location: Text | None = Field(
        default=None,
        description="Where the queried data lies; needed outside US and EU.",
        examples=["europe-west4"],
    )
    when: str = Field(
        description="Condition over metrics and `params.x`: comparisons, and, or, not, + - * /.",
        examples=["accuracy >= params.deployment_threshold and recall_at_k >= 0.8"],
    )
    then: TaskIds = Field(
        description="Tasks that follow when the condition holds.",
        min_length=1,
        examples=[["register"], "register"],
    )
    otherwise: TaskIds = Field(
        default_factory=list,
        alias="else",
        description="Tasks that follow when it does not hold.",
        examples=[["skip_training"]],
    )

    @model_validator(mode="after")
    def _one_source(self) -> Gate:
        if self.metrics is None and self.query is None:
            raise missing("metrics", "or `query`: what the condition is about")
        if self.metrics is not None and self.query is not None:
            raise bad("`metrics` and `query` exclude each other", "keep one", ("query",))
        for key in ("project", "location"):
            if self.query is None and getattr(self, key) is not None:
                raise bad(f"`{key}` is about a query", "add `query:`", (key,))
        return self

    @property
    def sources(self) -> dict[str, Source]:
        """The sources of metrics that have names."""
        return self.metrics if isinstance(self.metrics, dict) else {}

    def condition(self) -> Expression:
        """Return the condition as data; raises GateSyntaxError."""
        return parse(self.when, sources=self.sources)


def outputs(_task: Gate, context: TaskContext) -> dict[str, str]:
    """Offer the decision and its reason."""
    return {"passed": context.xcom("passed"), "reason": context.xcom("reason")}


def branches(task: Gate) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the tasks on both sides."""
    for key, side in (("then", task.then), ("else", task.otherwise)):
        for index, name in enumerate(side):
            yield (key, index), name


def lower(task: Gate, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the branch operator, with the condition as data."""
    made = {
        **_source(task, lowering),
        "when": task.condition(),
        "text": task.when,
        "then": _ids(task.then, lowering),
        "otherwise": _ids(task.otherwise, lowering),
        **operator_arguments(task, lowering),
    }
    return context.operator(lowering.runtime("gate", "GateOperator"), made)


def _source(task: Gate, lowering: LoweringContext) -> dict[str, Any]:
    """Return where the metrics come from: files, or a query and who pays for it."""
    if isinstance(task.metrics, dict):
        each = {name: arguments(source, lowering) for name, source in task.metrics.items()}
        return {"metrics": each}
    if task.query is None:
        return {"metrics": task.metrics or ""}
    payer = task.project or (lowering.environment.project if lowering.environment else None)
    optional = {"project": payer, "location": task.location}
    return {"query": task.query} | {key: value for key, value in optional.items() if value}


def problems(
    task: Gate, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find unknown params, tasks on both sides, and sources that cannot be read as they stand."""
    yield from _source_problems(task, environment)
    for index, name in enumerate(task.otherwise):
        if name in task.then:
            yield Diagnostic(
                "DF210", f"`{name}` stands under `then` and `else`", Pointer(("else", index))
            )
    for name in _used(task).params:
        if name not in pipeline.params:
            help_ = did_you_mean(name, pipeline.params) or "declare it under `params:`"
            start = task.when.find(f"params.{name}")
            end = start + len(f"params.{name}")
            yield Diagnostic(
                "DF205",
                f"unknown parameter `{name}`",
                Pointer(("when",), start=start, end=end),
                help=help_,
            )


def _source_problems(task: Gate, environment: EnvironmentFile | None) -> Iterator[Diagnostic]:
    """Find sources that the condition leaves out, and metrics that a `default` lacks."""
    if any(source.model for source in task.sources.values()):
        yield from cloud_problems(task, environment)
    used = [name.partition(".") for name in _used(task).metrics]
    for name, source in task.sources.items() if used else ():
        asked = [metric for owner, _, metric in used if owner == name]
        if not asked:
            message = f"the condition asks nothing of `{name}`"
            help_ = f"write for example `{name}.accuracy`, or delete `{name}`"
            yield Diagnostic("DF227", message, Pointer(("metrics", name), key=True), help=help_)
        known = source.default
        lacking = [each for each in asked if known is not None and each not in known]
        if lacking:
            yield _lacks(name, lacking[0])


def _lacks(source: str, metric: str) -> Diagnostic:
    return Diagnostic(
        "DF228",
        f"the `default` of `{source}` has no `{metric}`, which the condition asks for",
        Pointer(("metrics", source, "default"), key=True),
        help=f"add `{metric}:`, or the gate does not pass while there is no champion",
    )


def _used(task: Gate) -> Names:
    """Return what a condition asks for; one that cannot be read was found on the tree."""
    try:
        return names(task.condition())
    except GateSyntaxError:
        return Names((), ())


def _ids(side: list[str], lowering: LoweringContext) -> list[str]:
    """Return the Airflow ids that a side starts with; a group starts with its first tasks."""
    return [airflow_id for name in side for airflow_id in lowering.roots[name]]


TASK_TYPE = TaskType(Gate, lower, outputs=outputs, branches=branches, problems=problems)
