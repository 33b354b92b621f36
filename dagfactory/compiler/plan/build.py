"""Plan: the tasks of a resolved pipeline with their edges, outputs and places.

Edges come from `after`, from references to another task's output, and from a gate's branches.
Everything that names another task is checked here, with the place where it stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dagfactory.compiler.plan.cycles import circle
from dagfactory.compiler.plan.for_each import item_problems, mapping_problems
from dagfactory.compiler.plan.pipeline import whole_problems
from dagfactory.compiler.plan.teardown import teardown_problems
from dagfactory.compiler.plan.texts import at, own_texts, references, text_problems
from dagfactory.dagfile.identifiers import variables
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.document.finding import Problem, locate
from dagfactory.task_api.context import Place
from dagfactory.task_api.for_each import each_outputs, each_roots
from dagfactory.task_api.task_type import kind_of

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.document.reference import Ref
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task with its place in the file (`path`), in its groups and in Airflow."""

    id: str
    task: TaskBase
    path: Path
    groups: tuple[str, ...]
    place: Place
    outputs: Mapping[str, Any]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """Downstream waits for upstream, because of what stands at `path`."""

    upstream: str
    downstream: str
    why: Literal["after", "reference", "branch", "teardown"]
    path: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """A pipeline that can be lowered: every name resolved, no cycles."""

    pipeline: Pipeline
    environment: EnvironmentFile | None
    node: Node
    tasks: dict[str, PlannedTask]
    edges: tuple[Edge, ...]
    run_dir: str

    def starts(self, item: PlannedTask) -> tuple[str, ...]:
        """Return the Airflow ids that a task starts with: for a group, those waiting for none inside."""
        inside = [each for each in self.tasks.values() if item.id in each.groups]
        if not inside:
            return item.roots
        own = {each.id for each in inside}
        late = {edge.downstream for edge in self.edges if edge.upstream in own}
        first = (each for each in inside if not late & {each.id, *each.groups})
        return tuple(root for each in first for root in each.roots)


def plan(
    pipeline: Pipeline, node: Node, environment: EnvironmentFile | None
) -> tuple[Plan | None, list[Diagnostic]]:
    """Plan a validated pipeline; no plan when there is any error."""
    run_dir = run_folder(pipeline, environment)
    everything = list(flatten(pipeline.tasks, run_dir))
    tasks = {item.id: item for item in everything}
    twice = list(_duplicates(everything))
    whole = [*twice, *whole_problems(pipeline, node, everything)]
    found = [locate(node, problem) for problem in whole]
    edges: list[Edge] = []
    for item in everything:
        for result in _links(item, tasks, node, pipeline, environment):
            if isinstance(result, Edge):
                edges.append(result)
            else:
                found.append(locate(node, result))
    found += [locate(node, problem) for problem in teardown_problems(tasks, edges)]
    found += [] if twice else circle(tasks, edges, node)
    errors = any(item.severity == "error" for item in found)
    made = Plan(pipeline, environment, node, tasks, _unique(edges), run_dir)
    return (None if errors else made), found


def run_folder(pipeline: Pipeline, environment: EnvironmentFile | None) -> str:
    """Return the folder of one run: a function of the run id, never of the attempt."""
    bucket = environment.bucket if environment and environment.bucket else "gs://BUCKET"
    return f"{bucket.rstrip('/')}/runs/{pipeline.pipeline}/" + "{{ run_id }}"


def flatten(tasks: Mapping[str, TaskBase], run_dir: str) -> Iterator[PlannedTask]:
    """Yield every task in spec order, a group before its members."""
    everything = list(_nested(tasks, ("tasks",), ()))
    names = variables(path[-1] for path, _, _ in everything)
    for path, groups, task in everything:
        name = path[-1]
        mapped = task.for_each is not None and not task.unmapped
        place = Place(name, ".".join((*groups, name)), run_dir, names[name], mapped=mapped)
        kind = kind_of(task.type)
        outputs, roots = kind.outputs(task, place), kind.roots(task, place)
        yield PlannedTask(
            id=name,
            task=task,
            path=path,
            groups=groups,
            place=place,
            outputs=each_outputs(task, place, outputs) if mapped else outputs,
            roots=() if kind.members(task) else each_roots(task, place) if mapped else roots,
        )


def _nested(
    tasks: Mapping[str, TaskBase], path: tuple[str, ...], groups: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], TaskBase]]:
    """Yield path, groups and model of every task."""
    for name, task in tasks.items():
        here = (*path, name)
        yield here, groups, task
        members = kind_of(task.type).members(task)
        yield from _nested(members, (*here, "tasks"), (*groups, name))


def _duplicates(everything: list[PlannedTask]) -> Iterator[Problem]:
    """Find ids that two groups both use."""
    seen: dict[str, PlannedTask] = {}
    for item in everything:
        first = seen.setdefault(item.id, item)
        if first is not item:
            yield Problem(
                "DF201",
                f"task id `{item.id}` is used twice",
                item.path,
                key=True,
                help="ids are unique in the whole pipeline, groups included",
                other=(first.path, "first used here"),
            )


def _links(
    item: PlannedTask,
    tasks: Mapping[str, PlannedTask],
    node: Node,
    pipeline: Pipeline,
    environment: EnvironmentFile | None,
) -> Iterator[Edge | Problem]:
    """Yield the edges of one task and what is wrong with the names it uses."""
    for index, setup in enumerate(item.task.teardown.of if item.task.teardown else ()):
        where = _setup_path(item, node, index)
        yield _named(item, setup, tasks, where, "teardown")
    yield from _after(item, tasks)
    kind = kind_of(item.task.type)
    for suffix, target in kind.branches(item.task):
        yield _named(item, target, tasks, (*item.path, *suffix), "branch")
    yield from _references(item, tasks, node, pipeline, environment)
    yield from mapping_problems(item, tasks, pipeline)
    for problem in kind.problems(item.task, pipeline, environment):
        yield problem.under(item.path)


def _after(item: PlannedTask, tasks: Mapping[str, PlannedTask]) -> Iterator[Edge | Problem]:
    """Yield the edges that `after` asks for."""
    for index, upstream in enumerate(item.task.after):
        yield _named(item, upstream, tasks, (*item.path, "after", index), "after")


def _setup_path(item: PlannedTask, node: Node, index: int) -> Path:
    """Return where the name of a setup stands, in any of the forms of `teardown`."""
    base = (*item.path, "teardown")
    below = (*base, "of") if node.find((*base, "of")) else base
    return (*below, index) if node.find((*below, index)) else below


def _named(
    item: PlannedTask,
    other: str,
    tasks: Mapping[str, PlannedTask],
    path: Path,
    why: Literal["after", "branch", "teardown"],
) -> Edge | Problem:
    """Return the edge to a task named in the spec, or why there is none."""
    if other not in tasks:
        return _unknown_task(other, tasks, path)
    if other == item.id:
        return Problem("DF203", f"`{item.id}` cannot wait for itself", path)
    if other in item.groups or item.id in tasks[other].groups:
        return Problem(
            "DF203", f"`{item.id}` cannot wait for `{other}`: one contains the other", path
        )
    upstream, downstream = (item.id, other) if why == "branch" else (other, item.id)
    return Edge(upstream, downstream, why, path)


def _unknown_task(name: str, tasks: Mapping[str, PlannedTask], path: Path) -> Problem:
    return Problem("DF202", f"unknown task `{name}`", path, help=did_you_mean(name, tasks))


def _references(
    item: PlannedTask,
    tasks: Mapping[str, PlannedTask],
    node: Node,
    pipeline: Pipeline,
    environment: EnvironmentFile | None,
) -> Iterator[Edge | Problem]:
    """Yield an edge for each reference to an output, and what is wrong with any text."""
    for path, text in own_texts(node, item.path):
        yield from text_problems(path, text, pipeline, environment, item.path)
        for ref in references(text):
            if ref.root == "tasks":
                yield from _task_reference(item, tasks, path, ref)
            elif ref.root == "each":
                yield from item_problems(item.task, path, ref)


def _task_reference(
    item: PlannedTask, tasks: Mapping[str, PlannedTask], path: Path, ref: Ref
) -> Iterator[Edge | Problem]:
    """Yield the edge of `${tasks.ID.OUTPUT}`, or what is wrong with it."""
    name, *keys = ref.path
    if name not in tasks:
        help_ = did_you_mean(name, tasks)
        yield at(path, ref, "DF202", f"unknown task `{name}`", help_)
        return
    if name == item.id:
        yield at(path, ref, "DF203", f"`{name}` refers to its own output", None)
        return
    found: Any = tasks[name].outputs
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            offered = list(found) if isinstance(found, dict) else []
            message = f"`{name}` ({tasks[name].task.type}) has no output `{'.'.join(keys)}`"
            yield at(path, ref, "DF204", message, did_you_mean(key, offered))
            return
        found = found[key]
    if isinstance(found, dict):
        yield at(path, ref, "DF204", f"`{ref}` is incomplete", did_you_mean("", found))
        return
    yield Edge(name, item.id, "reference", path)


def _unique(edges: list[Edge]) -> tuple[Edge, ...]:
    """Keep the first edge between each pair."""
    kept: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        kept.setdefault((edge.upstream, edge.downstream), edge)
    return tuple(kept.values())
