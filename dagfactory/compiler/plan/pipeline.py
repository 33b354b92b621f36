"""What is wrong with a pipeline as a whole, beyond any one task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.plan.texts import at, broken_template, misplaced, references, unknown_param
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.project.content_name import KINDS, prefix
from dagfactory.tasks import task_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dagfactory.compiler.plan.model import PlannedTask
    from dagfactory.document.node import Node
    from dagfactory.language.pipeline import Pipeline


LONGEST_ID = 250
"""Characters of a task id in Airflow's database, groups included."""

_ELSEWHERE = ("tasks", "environments", "vars")
_OF_JOBS = (("defaults", "image"), ("defaults", "machine"))
_IN_ALERTS = "`${run.…}`, `${params.…}` and `{{ alert.… }}` can stand here"


def pipeline_problems(
    pipeline: Pipeline, node: Node, tasks: list[PlannedTask]
) -> Iterator[Diagnostic]:
    """Yield what only the whole pipeline shows."""
    for kind in KINDS:
        # `.airflowignore` hides folders by these names, and the DAG file is named after the id
        hidden = prefix(kind).rstrip("_")
        if pipeline.pipeline.startswith(hidden):
            message = f"an id that begins with `{hidden}` is never loaded: the {kind} is called so"
            yield Diagnostic("DF123", message, Pointer(("pipeline",)), help="choose another id")
    if pipeline.schedule and pipeline.schedule.preset == "@continuous":
        yield from _continuous(pipeline)
    if pipeline.fail_fast:
        yield from _fail_fast(tasks)
    groups = {item.id: item.groups for item in tasks}
    for item in tasks:
        yield from _long_id(item)
        yield from _group_on_other_side(item, groups)
    for path, text in _texts(node):
        yield from _early_references(path, text, pipeline)


def _continuous(pipeline: Pipeline) -> Iterator[Diagnostic]:
    # Airflow refuses the DAG, in every parse of its file
    if (pipeline.max_active_runs or 1) > 1:
        message = "with `@continuous` the next run starts when the last has ended"
        yield Diagnostic(
            "DF123", message, Pointer(("max_active_runs",)), help="delete `max_active_runs`"
        )


def _fail_fast(tasks: list[PlannedTask]) -> Iterator[Diagnostic]:
    """Find trigger rules beside `fail_fast`, which Airflow refuses: no failure is left to react to."""
    for item in tasks:
        if item.task.trigger_rule not in (None, "all_success") and not item.task.teardown:
            message, path = "`fail_fast` leaves no other trigger rule", (*item.path, "trigger_rule")
            yield Diagnostic("DF225", message, Pointer(path), help="delete it, or `fail_fast`")
        # the choice of the best has a rule of its own, `none_skipped`, and Airflow allows no other
        # than `all_success` here
        if item.task.type == "sweep":
            message = "`fail_fast` would end a sweep with its first failed trial"
            yield Diagnostic(
                "DF225", message, Pointer(item.path, key=True), help="delete `fail_fast`"
            )


def _long_id(item: PlannedTask) -> Iterator[Diagnostic]:
    """Find ids that do not fit into Airflow's database, groups and the parts of a sweep included."""
    length = max(map(len, (item.context.airflow_id, *item.roots)))
    if length > LONGEST_ID:
        message = f"the id has {length} characters with its groups, and Airflow keeps {LONGEST_ID}"
        yield Diagnostic(
            "DF123", message, Pointer(item.path, key=True), help="shorten it or a group's id"
        )


def _group_on_other_side(
    item: PlannedTask, groups: Mapping[str, tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """Find a task on one side of a gate whose group stands on the other."""
    branches = list(task_type(item.task.type).branches(item.task))
    for suffix, name in branches:
        for other, box in branches:
            if suffix[0] != other[0] and box in groups.get(name, ()):
                message = f"`{name}` lies in `{box}`, which stands on the other side"
                yield Diagnostic("DF210", message, Pointer((*item.path, *suffix)))


def _texts(node: Node) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts of a pipeline that belong to no task."""
    fields = node.value if isinstance(node.value, dict) else {}
    for key, child in fields.items():
        # tasks are looked at one by one, a variable where it is used, a patch when it is applied
        if key not in _ELSEWHERE:
            yield from (
                (path, text.value)
                for path, text in child.walk((key,))
                if isinstance(text.value, str)
            )


def _early_references(path: KeyPath, text: str, pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Find references that no run has a value for yet; those of jobs and alerts are rendered later."""
    in_alerts = path[0] == "alerts" and path[1:2] != ("monitoring",)
    # a default image or machine becomes part of each job, which is rendered when it starts
    rendered_later = in_alerts or path[:2] in _OF_JOBS
    if in_alerts:  # rendered when something has happened: a run exists then
        yield from broken_template(path, text)
    for ref in references(text):
        if in_alerts and ref.root == "tasks":
            yield at(path, ref, "DF215", f"`{ref}` may not be there when this is told", _IN_ALERTS)
        elif not rendered_later or ref.root == "tasks":
            yield misplaced(path, ref)
        elif ref.root == "params":
            yield from unknown_param(path, ref, pipeline)
