"""A resolved document becomes a Pipeline and a list of what is wrong with it.

The pipeline and each task are checked by their own model, so a fault in one hides none in another;
what is wrong leaves a hole, around which the later passes look at everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from dagfactory import tasks as task_types
from dagfactory.compiler.validate.errors import LeftOut, diagnose, left_out
from dagfactory.compiler.validate.holes import hole
from dagfactory.compiler.validate.mend import mended, take_out, with_some_job
from dagfactory.compiler.validate.messages import name_of, not_a_mapping, unlike
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath
from dagfactory.diagnostics.wording import closest, did_you_mean, listing, shorten
from dagfactory.document.locate import locate
from dagfactory.document.node import Node
from dagfactory.language.common import as_task_id
from dagfactory.language.environment import EnvironmentFile
from dagfactory.language.pipeline import Pipeline
from dagfactory.language.usage import Usage
from dagfactory.task_api.own_code import own_code
from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from dagfactory.language.task import TaskBase
    from dagfactory.project.code import Project

_Model = TypeVar("_Model", bound=BaseModel)


def validate(
    node: Node, project: Project | None = None, lost: Collection[KeyPath] = ()
) -> tuple[Pipeline, list[Diagnostic]]:
    """Check a resolved document, a mapping; where something is wrong the Pipeline has a stand-in.

    `project` is where the Python of the document's project lies, `lost` are the mappings of which a key
    could not be read.
    """
    mapping = node.value if isinstance(node.value, dict) else {}
    data = {key: each.plain() for key, each in mapping.items() if key != "tasks"}
    children, problems = _tasks(node, ("tasks",), lost)
    if "tasks" in mapping:
        # the key has to be there, or the model misses it; each task has a model of its own
        data["tasks"] = {}
    # a key that could not be read may have been what all jobs need
    if any(each[:1] in {(), ("defaults",)} for each in lost):
        data = with_some_job(data)
    pipeline, own = _model(Pipeline, data, node)
    # model_copy() does not validate again, and the children are models already
    placed = pipeline.model_copy(update={"tasks": children}).in_project(project)
    return placed, [*own, *problems]


def validate_environment(
    node: Node, name: str, project: Project
) -> tuple[EnvironmentFile, list[Diagnostic]]:
    """Check the file of the environment called `name`, and the code of the project that it names.

    What is wrong has a stand-in.
    """
    model, problems = _model(EnvironmentFile, node.plain(), node)
    if model.environment != name and not problems:
        message = f"the file of `{name}` calls itself `{model.environment}`"
        span = node.span_of(("environment",))
        problems = [Diagnostic("DF110", message, span, f"write `{name}`")]
    code = own_code(model, project).problems
    return model, [*problems, *(locate(node, each) for each in code)]


def validate_usage(node: Node, pipeline: Pipeline) -> tuple[Usage, list[Diagnostic]]:
    """Check the file that says how much a pipeline uses; what is wrong has a stand-in."""
    model, problems = _model(Usage, node.plain(), node)
    known = _names(pipeline.tasks)
    for name in model.tasks:
        if name not in known:
            message, remedy = f"unknown task `{name}`", did_you_mean(name, known)
            span = node.span_of(("tasks", name), key=True)
            problems.append(Diagnostic("DF202", message, span, remedy))
    return model, problems


def _names(tasks: Mapping[str, TaskBase]) -> list[str]:
    """Return the ids of tasks and of those inside them."""
    found = list(tasks)
    for each in tasks.values():
        found += _names(task_types.task_type(each.type).members(each))
    return found


def _model(
    model: type[_Model], data: dict[str, Any], node: Node
) -> tuple[_Model, list[Diagnostic]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return mended(model, data, node, error)


def _tasks(
    node: Node, path: KeyPath, lost: Collection[KeyPath]
) -> tuple[dict[str, TaskBase], list[Diagnostic]]:
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
        found[name], own = _task(node, (*path, name), lost)
        problems += [*_bad_id(node, (*path, name)), *own]
    return found, problems


def _task(
    node: Node, path: KeyPath, lost: Collection[KeyPath]
) -> tuple[TaskBase, list[Diagnostic]]:
    """Check one task; where something is wrong with it, it is a hole."""
    here = node.find(path)
    if here is None or not isinstance(here.value, dict):
        return Hole(settled=False), [not_a_mapping(node, path)]
    kind = here.value.get("type")
    # a list of file names: only the types that a spec uses are imported
    if kind is None or not isinstance(kind.value, str) or kind.value not in task_types.types():
        wrong = _unknown_type(node, path, kind) if kind else _no_type(node, path)
        children, problems = _members(node, path, lost)
        unknown, own = hole(node, path, {"type"}, children)
        return unknown, [wrong, *own, *problems]
    model = task_types.task_type(kind.value).model
    children, problems = _tasks(node, (*path, model.nested), lost) if model.nested else ({}, [])
    made, own = _typed(model, here, node, path, children)
    if any(each[: len(path)] == path for each in lost):
        made, _ = hole(node, path, {"type"}, children)
    return made, [*own, *problems]


def _typed(
    model: type[TaskBase], here: Node, node: Node, path: KeyPath, children: Mapping[str, TaskBase]
) -> tuple[TaskBase, list[Diagnostic]]:
    """Check a task of a known type, `here` at `path` of a document."""
    nested, fields = model.nested, here.value if isinstance(here.value, dict) else {}
    data = {key: each.plain() for key, each in fields.items() if key != nested}
    if nested and nested in fields:
        data[nested] = {}
    try:
        task = model.model_validate(data)
    except ValidationError as error:
        depth = len(path)
        without = left_out(error, node, path)
        wrong = {str(each[depth]) for each in without.paths if len(each) > depth}
        found = diagnose(error, model, node, path)
        return hole(node, path, wrong, children)[0], [
            *found,
            *_at_second_sight(model, data, node, path, without),
        ]
    return (task.model_copy(update={nested: children}) if nested else task), []


def _at_second_sight(
    model: type[TaskBase],
    data: dict[str, Any],
    node: Node,
    path: KeyPath,
    without: LeftOut,
) -> list[Diagnostic]:
    """Return what a task's model finds only when all single values are right: what they are together."""
    for each in without.paths:
        take_out(data, each[len(path) :])
    try:
        model.model_validate(data)
    except ValidationError as error:
        return diagnose(error, model, node, path, without)
    return []


def _members(
    node: Node, path: KeyPath, lost: Collection[KeyPath]
) -> tuple[dict[str, TaskBase], list[Diagnostic]]:
    """Check what may be the tasks inside a task whose type is not known."""
    inner = node.find((*path, "tasks"))
    values = inner.value.values() if inner and isinstance(inner.value, dict) else ()
    return _tasks(node, (*path, "tasks"), lost) if any(map(_is_a_task, values)) else ({}, [])


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
