"""Tasks that run once for each item of a list: what they run over, and `${each}` in their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.compiler.plan.texts import at
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.language.common import is_open
from dagfactory.language.each import missing_key, reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dagfactory.compiler.plan.model import PlannedTask
    from dagfactory.document.reference import Ref
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase


ITEM = "for_each"
"""The param in which a task finds its item; Airflow hands `params` to every operator it maps.

A run that is started with a value of that name would hide the item, so it is not a common word.
"""


def item_problems(task: TaskBase, path: KeyPath, ref: Ref) -> Iterator[Diagnostic]:
    """Find `${each}` in a task that is not mapped, and keys that an item does not have."""
    if task.for_each is None:
        message = f"`{ref}` stands for an item, and this task has no `for_each`"
        yield at(path, ref, "DF220", message, "add `for_each: [...]` to the task")
    elif isinstance(task.for_each, list):
        for index, item in enumerate(task.for_each):
            problem = missing_key(item, ref.path)
            if problem:
                message = f"item {index + 1} of `for_each` {problem[0]}"
                yield at(path, ref, "DF221", message, problem[1])
                return


def mapping_problems(
    item: PlannedTask, tasks: Mapping[str, PlannedTask], pipeline: Pipeline
) -> Iterator[Diagnostic]:
    """Find what is wrong with `for_each` and `parallel` of a task."""
    task, path = item.task, (*item.path, "for_each")
    if task.for_each is None:
        yield from _unused_parallel(item)
        return
    if task.unmapped:
        message = f"a `{task.type}` has no `for_each`"
        yield Diagnostic("DF222", message, Pointer(path, key=True), help=task.unmapped)
    if ITEM in pipeline.params:
        message = f"`{ITEM}` is what `for_each` calls its item"
        yield Diagnostic(
            "DF123", message, Pointer(("params", ITEM), key=True), help="choose another name"
        )
    ref = reference(task.for_each)
    if ref:
        yield from _not_a_list(path, ref, tasks, pipeline)
    else:
        yield from _templates_in_items(path, task.for_each)


def _unused_parallel(item: PlannedTask) -> Iterator[Diagnostic]:
    # a sweep limits its trials by the same key, without any list
    has_its_own = type(item.task).model_fields["parallel"].default is not None
    if "parallel" in item.task.model_fields_set and not has_its_own:
        path, help_ = (*item.path, "parallel"), "delete it, or add `for_each: [...]`"
        yield Diagnostic(
            "DF214", "`parallel` needs `for_each`", Pointer(path, key=True), help=help_
        )


def _not_a_list(
    path: KeyPath, ref: Ref, tasks: Mapping[str, PlannedTask], pipeline: Pipeline
) -> Iterator[Diagnostic]:
    """Find references to what is known not to be a list."""
    if ref.root == "params":
        param = pipeline.params.get(ref.path[0])
        if param and param.type != "array":
            message, help_ = f"`{ref}` is not a list: its type is `{param.type}`", "`type: array`"
            yield at(path, ref, "DF223", message, f"declare it with {help_}")
        return
    outputs = tasks[ref.path[0]].outputs if ref.path[0] in tasks else {}
    found: Any = outputs
    for key in ref.path[1:]:
        found = found.get(key) if isinstance(found, dict) else None
    # an output that begins as a template comes from XCom and may well be a list
    if isinstance(found, str) and not found.startswith("{{"):
        late = [name for name, value in outputs.items() if str(value).startswith("{{")]
        help_ = f"try `${{tasks.{ref.path[0]}.{late[0]}}}`" if late else "write the items here"
        yield at(path, ref, "DF223", f"`{ref}` is not a list: it is an address", help_)


def _templates_in_items(path: KeyPath, items: Any, inside: KeyPath = ()) -> Iterator[Diagnostic]:
    """Find templates in the items of a list: Airflow reads them before any run, and renders none."""
    children = (
        items.items()
        if isinstance(items, dict)
        else enumerate(items)
        if isinstance(items, list)
        else ()
    )
    for key, value in children:
        # references in items are found together with those of all other texts
        if isinstance(value, str) and "${" not in value and is_open(value):
            message, help_ = "Airflow renders no template in an item", "write it beside `${each}`"
            yield Diagnostic("DF215", message, Pointer((*path, *inside, key)), help=help_)
        yield from _templates_in_items(path, value, (*inside, key))
