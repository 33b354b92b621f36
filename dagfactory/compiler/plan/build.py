"""Plan: the tasks of a resolved pipeline with their edges, outputs and places.

Edges come from `after`, from references to another task's output, and from a gate's branches.
Everything that names another task is checked here, with the place where it stands in the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dagfactory.compiler.plan.cycles import circles
from dagfactory.compiler.plan.for_each import item_problems, mapping_problems
from dagfactory.compiler.plan.model import Edge, Plan, PlannedTask, Texts
from dagfactory.compiler.plan.pipeline import pipeline_problems
from dagfactory.compiler.plan.teardown import teardown_problems
from dagfactory.compiler.plan.texts import at, is_readable, references, task_texts, text_problems
from dagfactory.compiler.plan.unsettled import following, is_settled
from dagfactory.dagfile.identifiers import variables
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.document.locate import locate
from dagfactory.task_api.context import TaskContext
from dagfactory.task_api.for_each import each_outputs, each_roots
from dagfactory.tasks import task_type
from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.document.reference import Ref
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase


@dataclass(frozen=True, slots=True)
class _Around:
    """What a task may refer to, and the tree in which it stands."""

    tasks: Mapping[str, PlannedTask]
    texts: Texts
    node: Node
    pipeline: Pipeline
    environment: EnvironmentFile | None


def plan(
    pipeline: Pipeline, node: Node, environment: EnvironmentFile | None
) -> tuple[Plan, list[Diagnostic]]:
    """Plan a validated pipeline as far as it is right, with everything that is not."""
    run_dir = run_folder(pipeline, environment)
    everything = list(flatten(pipeline, run_dir))
    tasks, twice = _by_id(everything), _ids_used_twice(everything)
    found = [*_duplicates(everything), *pipeline_problems(pipeline, node, everything)]
    doubtful = twice | {item.id for item in everything if not is_settled(item)}
    every: list[Edge] = []
    texts = {item.path: task_texts(node, item.path) for item in everything}
    around = _Around(tasks, texts, node, pipeline, environment)
    for item in everything:
        for result in _links(item, around):
            if isinstance(result, Edge):
                every.append(result)
            elif isinstance(result, Diagnostic):
                found.append(result)
            else:
                doubtful.add(item.id)
    found += teardown_problems(tasks, every, doubtful)
    # of two tasks with one id edges meant for the other could close circles
    clear = [edge for edge in every if edge.upstream not in twice and edge.downstream not in twice]
    closed, edges = circles(tasks, clear, node)
    in_circles = {edge.downstream for edge in every if edge not in edges} if closed else set()
    unsettled = following(tasks, every, doubtful | in_circles)
    made = Plan(pipeline, environment, node, tasks, _unique(edges), run_dir, texts, unsettled)
    return made, [*(locate(node, problem) for problem in found), *closed]


def _by_id(everything: list[PlannedTask]) -> dict[str, PlannedTask]:
    """Return the tasks by id; of two with one id the second under its path, which no task refers to."""
    tasks: dict[str, PlannedTask] = {}
    for item in everything:
        tasks["/".join(map(str, item.path)) if item.id in tasks else item.id] = item
    return tasks


def _ids_used_twice(everything: list[PlannedTask]) -> set[str]:
    return {name for name, count in Counter(item.id for item in everything).items() if count > 1}


def run_folder(pipeline: Pipeline, environment: EnvironmentFile | None) -> str:
    """Return the folder of one run."""
    bucket = environment.bucket if environment and environment.bucket else "gs://BUCKET"
    # of the run, never of the attempt: a retry looks for its own work in the same place
    return f"{bucket.rstrip('/')}/runs/{pipeline.pipeline}/" + "{{ run_id }}"


def flatten(pipeline: Pipeline, run_dir: str) -> Iterator[PlannedTask]:
    """Yield every task in spec order, a group before its members."""
    everything = list(_nested(pipeline.tasks, ("tasks",), ()))
    names = variables(path[-1] for path, _, _ in everything)
    for path, groups, task in everything:
        name = path[-1]
        mapped = task.for_each is not None and not task.unmapped
        full = ".".join((*groups, name))
        project = pipeline.project
        context = TaskContext(name, full, run_dir, names[name], mapped=mapped, project=project)
        own = task_type(task.type)
        outputs, roots = own.outputs(task, context), own.roots(task, context)
        yield PlannedTask(
            id=name,
            task=task,
            path=path,
            groups=groups,
            context=context,
            outputs=each_outputs(task, context, outputs) if mapped else outputs,
            # a group begins with its first members, and edges say which those are: see Plan.starts
            roots=() if own.members(task) else each_roots(task, context) if mapped else roots,
        )


def _nested(
    tasks: Mapping[str, TaskBase], path: tuple[str, ...], groups: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], TaskBase]]:
    """Yield path, groups and model of every task."""
    for name, task in tasks.items():
        here = (*path, name)
        yield here, groups, task
        members = task_type(task.type).members(task)
        yield from _nested(members, (*here, "tasks"), (*groups, name))


def _duplicates(everything: list[PlannedTask]) -> Iterator[Diagnostic]:
    """Find ids that two groups both use."""
    seen: dict[str, PlannedTask] = {}
    for item in everything:
        first = seen.setdefault(item.id, item)
        if first is not item:
            yield Diagnostic(
                "DF201",
                f"task id `{item.id}` is used twice",
                Pointer(item.path, key=True),
                help="ids are unique in the whole pipeline, groups included",
                labels=(Label(Pointer(first.path, key=True), "first used here"),),
            )


def _links(item: PlannedTask, around: _Around) -> Iterator[Edge | Diagnostic | None]:
    """Yield the edges of one task, what is wrong with the names it uses, None for one that leads nowhere."""
    tasks, pipeline = around.tasks, around.pipeline
    for index, setup in enumerate(item.task.teardown.of if item.task.teardown else ()):
        path = _setup_path(item, around.node, index)
        yield from _named(item, setup, tasks, path, "teardown")
    yield from _after(item, tasks)
    own = task_type(item.task.type)
    for suffix, target in own.branches(item.task):
        yield from _named(item, target, tasks, (*item.path, *suffix), "branch")
    yield from _references(item, around)
    yield from mapping_problems(item, tasks, pipeline)
    for problem in own.problems(item.task, pipeline, around.environment):
        yield problem.below(item.path)


def _after(
    item: PlannedTask, tasks: Mapping[str, PlannedTask]
) -> Iterator[Edge | Diagnostic | None]:
    """Yield the edges that `after` asks for."""
    for index, upstream in enumerate(item.task.after):
        yield from _named(item, upstream, tasks, (*item.path, "after", index), "after")


def _setup_path(item: PlannedTask, node: Node, index: int) -> KeyPath:
    """Return where the name of a setup stands, in any of the forms of `teardown`."""
    base = (*item.path, "teardown")
    below = (*base, "of") if node.find((*base, "of")) else base
    return (*below, index) if node.find((*below, index)) else below


def _named(
    item: PlannedTask,
    other: str,
    tasks: Mapping[str, PlannedTask],
    path: KeyPath,
    why: Literal["after", "branch", "teardown"],
) -> Iterator[Edge | Diagnostic | None]:
    """Yield the edge to a task named in the spec, or why there is none."""
    # `unknown_names` has said so, with a place that needs no plan
    if other not in tasks:
        yield None
    elif other == item.id:
        yield Diagnostic("DF203", f"`{item.id}` cannot wait for itself", Pointer(path))
    elif other in item.groups or item.id in tasks[other].groups:
        message = f"`{item.id}` cannot wait for `{other}`: one contains the other"
        yield Diagnostic("DF203", message, Pointer(path))
    else:
        # a gate names what comes after it, everything else names what comes before
        upstream, downstream = (item.id, other) if why == "branch" else (other, item.id)
        yield Edge(upstream, downstream, why, path)


def _references(item: PlannedTask, around: _Around) -> Iterator[Edge | Diagnostic | None]:
    """Yield an edge for each reference to an output, and what is wrong with any text."""
    for path, text in around.texts[item.path]:
        # neither a reference nor a template begins without one
        if "{" not in text:
            continue
        yield from text_problems(path, text, around.pipeline, around.environment, item.path)
        if not is_readable(text):
            yield None
        for ref in references(text):
            if ref.root == "tasks":
                yield from _task_reference(item, around.tasks, path, ref)
            elif ref.root == "each":
                yield from item_problems(item.task, path, ref)


def _task_reference(
    item: PlannedTask, tasks: Mapping[str, PlannedTask], path: KeyPath, ref: Ref
) -> Iterator[Edge | Diagnostic | None]:
    """Yield the edge of `${tasks.ID.OUTPUT}`, or what is wrong with it."""
    name, *keys = ref.path
    if name not in tasks:
        yield None
        return
    if name == item.id:
        yield at(path, ref, "DF203", f"`{name}` refers to its own output", None)
        return
    yield Edge(name, item.id, "reference", path)
    if not isinstance(tasks[name].task, Hole):
        yield from _unknown_output(tasks[name], path, ref, keys)


def _unknown_output(
    source: PlannedTask, path: KeyPath, ref: Ref, keys: list[str]
) -> Iterator[Diagnostic]:
    """Find a reference to what a task does not offer."""
    found: Any = source.outputs
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            offered = list(found) if isinstance(found, dict) else []
            message = f"`{source.id}` ({source.task.type}) has no output `{'.'.join(keys)}`"
            yield at(path, ref, "DF204", message, did_you_mean(key, offered))
            return
        found = found[key]
    if isinstance(found, dict):
        yield at(path, ref, "DF204", f"`{ref}` is incomplete", did_you_mean("", found))


def _unique(edges: list[Edge]) -> tuple[Edge, ...]:
    """Keep the first edge between each pair."""
    kept: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        kept.setdefault((edge.upstream, edge.downstream), edge)
    return tuple(kept.values())
