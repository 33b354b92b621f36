"""A resolved document becomes a Pipeline, or a list of what is wrong with it.

The pipeline and each task are checked by their own model, so a fault in one hides none in another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from dagfactory import tasks as task_types
from dagfactory.compiler.validate.errors import diagnose
from dagfactory.compiler.validate.messages import name_of, not_a_mapping, unlike
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath
from dagfactory.diagnostics.wording import closest, did_you_mean, listing, shorten
from dagfactory.document.locate import locate
from dagfactory.document.node import Node
from dagfactory.language.common import as_task_id
from dagfactory.language.environment import EnvironmentFile
from dagfactory.language.pipeline import Pipeline
from dagfactory.task_api.own_code import own_code

if TYPE_CHECKING:
    from dagfactory.language.task import TaskBase
    from dagfactory.project.code import Project

_Model = TypeVar("_Model", bound=BaseModel)


def validate(
    node: Node, project: Project | None = None
) -> tuple[Pipeline | None, list[Diagnostic]]:
    """Check a resolved document, a mapping; the Pipeline is there only when nothing is wrong.

    `project` is where the Python of the document's project lies.
    """
    mapping = node.value if isinstance(node.value, dict) else {}
    data = {key: each.plain() for key, each in mapping.items() if key != "tasks"}
    children, problems = _tasks(node, ("tasks",))
    if "tasks" in mapping:
        # the key has to be there, or the model misses it; each task has a model of its own
        data["tasks"] = {}
    pipeline, own = _model(Pipeline, data, node, ())
    if pipeline is None or problems:
        return None, [*own, *problems]
    # model_copy() does not validate again, and the children are models already
    return pipeline.model_copy(update={"tasks": children}).in_project(project), own


def validate_environment(
    node: Node, name: str, project: Project
) -> tuple[EnvironmentFile | None, list[Diagnostic]]:
    """Check the file of the environment called `name`, and the code of the project that it names."""
    if not isinstance(node.value, dict):
        return None, [not_a_mapping(node, (), "this file")]
    model, problems = _model(EnvironmentFile, node.plain(), node, ())
    if model and model.environment != name:
        message = f"the file of `{name}` calls itself `{model.environment}`"
        span = node.span_of(("environment",))
        return None, [Diagnostic("DF110", message, span, f"write `{name}`")]
    code = own_code(model, project).problems
    return model, [*problems, *(locate(node, each) for each in code)]


def _model(
    model: type[_Model], data: dict[str, Any], node: Node, path: KeyPath
) -> tuple[_Model | None, list[Diagnostic]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, diagnose(error, model, node, path)


def _tasks(node: Node, path: KeyPath) -> tuple[dict[str, TaskBase], list[Diagnostic]]:
    """Check the tasks in the mapping at `path`, each with the model of its type."""
    here = node.find(path)
    if here is None:
        return {}, []
    if not isinstance(here.value, dict):
        return {}, [not_a_mapping(node, path)]
    if not here.value:
        message = f"{name_of(path)} is empty"
        span = node.span_of(path, key=True)
        return {}, [Diagnostic("DF123", message, span, "add a task: `train: {type: train, ...}`")]
    found: dict[str, TaskBase] = {}
    # a lost indentation makes every key of the task the name of one: said once, not for each key
    stray = _is_a_task(here)
    problems = [_stray(node, path)] if stray else []
    for name, each in here.value.items():
        if stray and not _is_a_task(each):
            continue
        task, own = _task(node, (*path, name))
        problems += [*_bad_id(node, (*path, name)), *own]
        if task:
            found[name] = task
    return found, problems


def _task(node: Node, path: KeyPath) -> tuple[TaskBase | None, list[Diagnostic]]:
    here = node.find(path)
    if here is None or not isinstance(here.value, dict):
        return None, [not_a_mapping(node, path)]
    kind = here.value.get("type")
    if kind is None:
        return None, [_no_type(node, path)]
    # a list of file names: only the types that a spec uses are imported
    if not isinstance(kind.value, str) or kind.value not in task_types.types():
        return None, [_unknown_type(node, path, kind)]
    model = task_types.task_type(kind.value).model
    data = {key: each.plain() for key, each in here.value.items() if key != model.nested}
    children, problems = _tasks(node, (*path, model.nested)) if model.nested else ({}, [])
    if model.nested and model.nested in here.value:
        data[model.nested] = {}
    task, own = _model(model, data, node, path)
    if task is None or problems:
        return None, [*own, *problems]
    return (task.model_copy(update={model.nested: children}) if model.nested else task), own


def _is_a_task(node: Node) -> bool:
    """Whether a mapping has the `type` of a task, as none has that holds tasks."""
    kind = node.child("type")
    return kind is not None and not isinstance(kind.value, dict)


def _stray(node: Node, path: KeyPath) -> Diagnostic:
    """Return what is wrong with a task's keys that stand where the names of tasks do."""
    message = f"`type` is a key of a task, and {name_of(path)} holds tasks by their names"
    remedy = "indent it, with the other keys of its task, below the task's name"
    return Diagnostic("DF122", message, node.span_of((*path, "type"), key=True), remedy)


def _bad_id(node: Node, path: KeyPath) -> list[Diagnostic]:
    """Check a task's id as it is checked wherever it is named."""
    try:
        as_task_id(str(path[-1]))
    except PydanticCustomError as error:
        context = error.context or {}
        span = node.span_of(path, key=True)
        return [Diagnostic("DF123", context["message"], span, context["remedy"])]
    return []


def _no_type(node: Node, path: KeyPath) -> Diagnostic:
    message = f"task {name_of(path)} lacks the key `type`"
    here = node.find(path)
    near = next((key for key in (here.keys if here else ()) if closest(key, ["type"])), None)
    if near:
        span = node.span_of((*path, near), key=True)
        return Diagnostic("DF120", f"unknown key `{near}`", span, "did you mean `type`?")
    remedy = f"one of {listing(task_types.types())}"
    return Diagnostic("DF121", message, node.span_of(path, key=True), remedy)


def _unknown_type(node: Node, path: KeyPath, kind: Node) -> Diagnostic:
    span = node.span_of((*path, "type"))
    if not isinstance(kind.value, str):
        message = f"`type` needs the name of a task type{unlike(kind.plain())}"
        return Diagnostic("DF122", message, span, f"one of {listing(task_types.types())}")
    remedy = did_you_mean(kind.value, task_types.types(), "types")
    return Diagnostic("DF125", f"unknown task type `{shorten(kind.value)}`", span, remedy)
