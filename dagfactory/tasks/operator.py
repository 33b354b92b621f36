"""`operator`: any Airflow operator by its dotted path, for what the language has no task type for."""

from __future__ import annotations

import keyword
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dagfactory.dagfile.model import Symbol
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import bad
from dagfactory.language.job import Data
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks.python import DottedName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


def _operator(path: str) -> str:
    """Refuse what is not an operator class: the DAG file calls it while it is parsed."""
    root, name = path.partition(".")[0], path.rpartition(".")[2]
    if root in sys.stdlib_module_names:
        raise bad(f"`{path}` belongs to Python's own library", "name an Airflow operator class")
    if not name[0].isupper():
        raise bad(f"`{name}` is not the name of a class", "for a function use `type: python`")
    return path


OperatorPath = Annotated[DottedName, AfterValidator(_operator)]


class AnyOperator(TaskBase):
    """Call an operator with keyword arguments."""

    type: Literal["operator"]
    operator: OperatorPath = Field(
        description="Dotted path of an operator class.",
        examples=["airflow.providers.http.operators.http.HttpOperator"],
    )
    args: dict[str, Data] = Field(
        default_factory=dict,
        description="Keyword arguments.",
        examples=[{"bucket_name": "my-bucket", "force": True}],
    )
    lazy: bool = Field(
        default=False,
        description="Import the class only when the task runs: for operators that are slow to import.",
    )


def outputs(_task: AnyOperator, context: TaskContext) -> dict[str, str]:
    """Offer what the operator returned."""
    return {"result": context.xcom()}


def lower(task: AnyOperator, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the operator itself, or the lazy operator that stands in for it."""
    common = operator_arguments(task, lowering)
    arguments: dict[str, Any] = task.args
    if task.lazy:
        symbol = lowering.runtime("lazy", "LazyOperator")
        lazily = {"operator": task.operator, "arguments": arguments}
        return context.operator(symbol, lazily | common)
    module, _, name = task.operator.rpartition(".")
    return context.operator(Symbol(module, name), arguments | common)


RESERVED: dict[str, str] = {
    "task_id": "it is the task's id",
    "dag": "it is the pipeline",
    "task_group": "put the task into a `group`",
    "trigger_rule": "set it with the task's own key `trigger_rule`",
    "retries": "set it with the task's own key `retries`",
    "retry_delay": "set it with `retries: {delay: ...}`",
    "retry_exponential_backoff": "set it with `retries: {backoff: ...}`",
    "max_retry_delay": "set it with `retries: {max_delay: ...}`",
    "execution_timeout": "set it with the task's own key `timeout`",
    "pool": "set it with the task's own key `pool`",
    "pool_slots": "set it with the task's own key `pool_slots`",
    "queue": "set it with the task's own key `queue`",
    "priority_weight": "set it with the task's own key `priority`",
    "outlets": "set them with the task's own key `outlets`",
    "depends_on_past": "set it with the task's own key `depends_on_past`",
    "wait_for_downstream": "set it with the task's own key `wait_for_downstream`",
    "max_active_tis_per_dagrun": "set it with `for_each` and `parallel`",
    "map_index_template": "it shows the item of `for_each`",
    "doc_md": "set it with the task's own key `doc`",
    "on_failure_callback": "set it with `alerts: {on_failure: [...]}`",
    "on_retry_callback": "set it with `alerts: {on_retry: [...]}`",
    "on_success_callback": "set it with `alerts: {on_success: [...]}`",
    "on_skipped_callback": "set it with `alerts: {on_skipped: [...]}`",
    "default_args": "set them with `defaults:` of the pipeline",
}
"""Arguments that come from elsewhere, each with where from."""


def problems(
    task: AnyOperator, _pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find arguments that are not names, and those that have a key of their own."""
    for name in task.args:
        if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
            yield Diagnostic(
                "DF212",
                f"`{name}` is not the name of an argument",
                Pointer(("args", name), key=True),
            )
        elif name in RESERVED:
            message = f"`{name}` cannot be set here"
            yield Diagnostic(
                "DF212", message, Pointer(("args", name), key=True), help=RESERVED[name]
            )


TASK_TYPE = TaskType(AnyOperator, lower, outputs=outputs, problems=problems)
