"""Plan: the tasks of a resolved pipeline with their edges, outputs and places.

Edges come from `after`, from references to another task's output, and from a gate's branches.
Everything that names another task is checked here, with the place where it stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from dagfactory.diagnostics import Diagnostic, Label
from dagfactory.kinds import kind_of
from dagfactory.lower.scope import Place
from dagfactory.problems import Problem, locate
from dagfactory.reference import BadReferenceError, Ref, parse
from dagfactory.suggest import did_you_mean

if TYPE_CHECKING:
    from dagfactory.node import Node
    from dagfactory.spec.environment import EnvironmentFile
    from dagfactory.spec.pipeline import Pipeline
    from dagfactory.spec.task import TaskBase

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
    why: Literal["after", "reference", "branch"]
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


def plan(
    pipeline: Pipeline, node: Node, environment: EnvironmentFile | None
) -> tuple[Plan | None, list[Diagnostic]]:
    """Plan a validated pipeline; no plan when there is any error."""
    run_dir = run_folder(pipeline, environment)
    everything = list(flatten(pipeline.tasks, ("tasks",), (), run_dir))
    tasks = {item.id: item for item in everything}
    found = [locate(node, problem) for problem in _duplicates(everything)]
    edges: list[Edge] = []
    for item in everything:
        for result in _links(item, tasks, node, pipeline, environment):
            if isinstance(result, Edge):
                edges.append(result)
            else:
                found.append(locate(node, result))
    found += _cycle(tasks, edges, node)
    errors = any(item.severity == "error" for item in found)
    made = Plan(pipeline, environment, node, tasks, _unique(edges), run_dir)
    return (None if errors else made), found


def run_folder(pipeline: Pipeline, environment: EnvironmentFile | None) -> str:
    """Return the folder of one run: a function of the run id, never of the attempt."""
    bucket = environment.bucket if environment and environment.bucket else "gs://BUCKET"
    return f"{bucket.rstrip('/')}/runs/{pipeline.pipeline}/" + "{{ run_id }}"


def flatten(
    tasks: Mapping[str, TaskBase], path: Path, groups: tuple[str, ...], run_dir: str
) -> Iterator[PlannedTask]:
    """Yield every task in spec order, a group before its members."""
    for name, task in tasks.items():
        place = Place(name, ".".join((*groups, name)), run_dir)
        kind = kind_of(task.type)
        yield PlannedTask(
            id=name,
            task=task,
            path=(*path, name),
            groups=groups,
            place=place,
            outputs=kind.outputs(task, place),
            roots=kind.roots(task, place),
        )
        yield from flatten(kind.members(task), (*path, name, "tasks"), (*groups, name), run_dir)


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
    yield from _after(item, tasks)
    kind = kind_of(item.task.type)
    for suffix, target in kind.branches(item.task):
        yield _named(item, target, tasks, (*item.path, *suffix), "branch")
    yield from _references(item, tasks, node, pipeline, environment)
    for problem in kind.problems(item.task, pipeline, environment):
        yield problem.under(item.path)


def _after(item: PlannedTask, tasks: Mapping[str, PlannedTask]) -> Iterator[Edge | Problem]:
    """Yield the edges that `after` asks for."""
    for index, upstream in enumerate(item.task.after):
        yield _named(item, upstream, tasks, (*item.path, "after", index), "after")


def _named(
    item: PlannedTask,
    other: str,
    tasks: Mapping[str, PlannedTask],
    path: Path,
    why: Literal["after", "branch"],
) -> Edge | Problem:
    """Return the edge to a task named in the spec, or why there is none."""
    if other not in tasks:
        return _unknown_task(other, tasks, path)
    if other == item.id or other in item.groups or item.id in tasks[other].groups:
        return Problem(
            "DF203", f"`{item.id}` cannot wait for `{other}`: one contains the other", path
        )
    upstream, downstream = (other, item.id) if why == "after" else (item.id, other)
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
    """Yield an edge for each reference to an output, and what is wrong with any reference."""
    for path, text in _own_texts(node, item.path):
        for ref in _parsed(text):
            if ref.root == "tasks":
                yield from _task_reference(item, tasks, path, ref)
            elif ref.root == "run" and ref.path == ("dir",) and environment is None:
                yield _at(
                    path, ref, "DF113", "`${run.dir}` needs an environment", "choose one: --env"
                )
            elif ref.root == "params" and ref.path[0] not in pipeline.params:
                help_ = did_you_mean(ref.path[0], pipeline.params)
                yield _at(path, ref, "DF205", f"unknown parameter `{ref.path[0]}`", help_)


def _parsed(text: str) -> Iterator[Ref]:
    """Yield the references of a text; malformed ones were reported when resolving."""
    try:
        yield from (piece for piece in parse(text) if isinstance(piece, Ref))
    except BadReferenceError:
        return


def _own_texts(node: Node, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text of a task with its path; the members of a group have their own turn."""
    own = node.find(path)
    fields = own.value if own and isinstance(own.value, dict) else {}
    for key, child in fields.items():
        if key != "tasks":
            yield from (
                (where, text.value)
                for where, text in child.walk((*path, key))
                if isinstance(text.value, str)
            )


def _task_reference(
    item: PlannedTask, tasks: Mapping[str, PlannedTask], path: Path, ref: Ref
) -> Iterator[Edge | Problem]:
    """Yield the edge of `${tasks.ID.OUTPUT}`, or what is wrong with it."""
    name, *keys = ref.path
    if name not in tasks:
        help_ = did_you_mean(name, tasks)
        yield _at(path, ref, "DF202", f"unknown task `{name}`", help_)
        return
    if name == item.id:
        yield _at(path, ref, "DF203", f"`{name}` refers to its own output", None)
        return
    found: Any = tasks[name].outputs
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            offered = list(found) if isinstance(found, dict) else []
            message = f"`{name}` ({tasks[name].task.type}) has no output `{'.'.join(keys)}`"
            yield _at(path, ref, "DF204", message, did_you_mean(key, offered))
            return
        found = found[key]
    if isinstance(found, dict):
        yield _at(path, ref, "DF204", f"`{ref}` is incomplete", did_you_mean("", found))
        return
    yield Edge(name, item.id, "reference", path)


def _at(path: Path, ref: Ref, code: str, message: str, help_: str | None) -> Problem:
    return Problem(code, message, path, start=ref.start, end=ref.end, help=help_)


def _unique(edges: list[Edge]) -> tuple[Edge, ...]:
    """Keep the first edge between each pair."""
    kept: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        kept.setdefault((edge.upstream, edge.downstream), edge)
    return tuple(kept.values())


def _cycle(tasks: Mapping[str, PlannedTask], edges: list[Edge], node: Node) -> list[Diagnostic]:
    """Find a circle of tasks that wait for each other, and show the whole circle."""
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(tasks, ()))
    for edge in edges:
        sorter.add(edge.downstream, edge.upstream)
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = list(error.args[1])
        return [_circle(circle, edges, node)]
    return []


def _circle(circle: list[str], edges: list[Edge], node: Node) -> Diagnostic:
    """Describe a circle, with the place of each of its edges."""
    pairs = set(pairwise(circle))
    members = [edge for edge in edges if (edge.upstream, edge.downstream) in pairs]
    spans = [node.span_of(edge.path) for edge in members]
    return Diagnostic(
        "DF206",
        "tasks wait for each other in a circle: " + " → ".join(circle),
        spans[0],
        help="remove one of these dependencies",
        labels=tuple(
            Label(span, f"`{edge.downstream}` waits for `{edge.upstream}`")
            for edge, span in zip(members[1:], spans[1:], strict=True)
        ),
    )
