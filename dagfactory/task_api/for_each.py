"""`for_each`: an ordinary operator, mapped by Airflow over the items of a list.

Airflow maps `params`, an argument that every operator has, so any operator whose fields are templated
can be mapped, and what `${each}` stands for is found where its texts are rendered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Group, Operator, Variable
from dagfactory.language.each import reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagfactory.language.task import TaskBase
    from dagfactory.task_api.context import LoweringContext, TaskContext

_LABEL = "{{ (params.for_each | string)[:120] }}"
_INHERITED = ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "queue")


def each_roots(task: TaskBase, context: TaskContext) -> tuple[str, ...]:
    """Return the Airflow id of what starts first: the reading of the list, where a run has to."""
    return (f"{context.airflow_id}.items" if reference(task.for_each) else context.airflow_id,)


def each_outputs(task: TaskBase, context: TaskContext, single: Mapping[str, Any]) -> dict[str, str]:
    """Return what all of them offer together, where each alone offers the `single` outputs."""
    name = f"{context.airflow_id}.each" if reference(task.for_each) else context.airflow_id
    # a list of ids, for of a single id Airflow 3 unwraps a list of one
    pulled = "{{ ti.xcom_pull(task_ids=[" + repr(name) + "]) | reject('none') | list }}"
    made = {"results": pulled} if single else {}
    return made | ({"dir": f"{context.run_dir}/{context.id}"} if "dir" in single else {})


def over_each(operator: Operator, task: TaskBase, lowering: LoweringContext) -> Operator | Group:
    """Return the operator mapped over its items; a list that only a run knows is read by a task before it."""
    mapped = replace(operator, arguments=_arguments(operator, task))
    if not isinstance(task.for_each, str):
        items = [{"for_each": item} for item in task.for_each or ()]
        return replace(mapped, expand={"params": items})
    variable = operator.variable
    first = {"task_id": "items", "items": task.for_each, **_first(operator, task)}
    reading = Operator(
        id="items",
        variable=f"{variable}__items",
        symbol=lowering.runtime("items", "ItemsOperator"),
        arguments=first,
    )
    # the rule is the reading's: after a failed reading there is nothing to map over
    late = {key: value for key, value in mapped.arguments.items() if key != "trigger_rule"}
    mapped = replace(
        mapped,
        id="each",
        variable=f"{variable}__each",
        arguments={**late, "task_id": "each"},
        expand={"params": Variable(reading.variable, output=True)},
    )
    return Group(operator.id, variable, (reading, mapped), tooltip=task.doc or "")


def _arguments(operator: Operator, task: TaskBase) -> dict[str, Any]:
    limit = {"max_active_tis_per_dagrun": task.parallel} if task.parallel else {}
    return {**operator.arguments, **limit, "map_index_template": _LABEL}


def _first(operator: Operator, task: TaskBase) -> dict[str, Any]:
    """Return what the reading of the list takes from the task: whether it may start, and retries."""
    kept = {key: value for key, value in operator.arguments.items() if key in _INHERITED}
    return kept | ({"trigger_rule": task.trigger_rule} if task.trigger_rule else {})
