"""Teardowns: what sets up something and what takes it down again, whatever becomes of the work between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.each import reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from dagfactory.compiler.plan.model import Edge, PlannedTask


def teardown_problems(
    tasks: Mapping[str, PlannedTask], edges: list[Edge], doubtful: Collection[str]
) -> Iterator[Diagnostic]:
    """Find teardowns and setups that Airflow would refuse, and those with nothing between them.

    Of `doubtful` tasks not every task before them is known.
    """
    upstream: dict[str, set[str]] = {}
    for edge in edges:
        upstream.setdefault(edge.downstream, set()).add(edge.upstream)
    for item in tasks.values():
        if item.task.teardown:
            setups = [tasks[name] for name in item.task.teardown.of if name in tasks]
            before = upstream.get(item.id, set())
            yield from _several_tasks(item, setups)
            yield from _teardown_of_teardown(item, setups)
            if item.id not in doubtful:
                yield from _nothing_between(item, before - {each.id for each in setups})


def _several_tasks(item: PlannedTask, setups: list[PlannedTask]) -> Iterator[Diagnostic]:
    """Find setups and teardowns that Airflow draws as several tasks, or that decide what follows."""
    for each in (item, *setups):
        kind = f"a {each.task.type}" if each.task.unmapped or each.task.type == "group" else ""
        kind = kind or ("a group, for its list" if reference(each.task.for_each) else "")
        if kind:
            message = f"`{each.id}` is {kind}; a setup or a teardown is a single task"
            help_ = "give it a task of its own"
            yield Diagnostic(
                "DF224", message, Pointer((*item.path, "teardown"), key=True), help=help_
            )


def _teardown_of_teardown(item: PlannedTask, setups: list[PlannedTask]) -> Iterator[Diagnostic]:
    """Find teardowns of teardowns, and a rule beside that of every teardown."""
    for each in setups:
        if each.task.teardown and each is not item:
            message = f"`{each.id}` is a teardown, and so not a setup"
            help_ = "name the task that sets up"
            yield Diagnostic(
                "DF224", message, Pointer((*item.path, "teardown"), key=True), help=help_
            )
    # Airflow sets `all_done_setup_success` on every teardown, over any rule
    if item.task.trigger_rule:
        message = "`trigger_rule` has no effect on a teardown"
        help_ = "it runs when its setup has succeeded and all before it has ended"
        yield Diagnostic(
            "DF214", message, Pointer((*item.path, "trigger_rule"), key=True), help=help_
        )


def _nothing_between(item: PlannedTask, work: set[str]) -> Iterator[Diagnostic]:
    """Find a teardown that waits for nothing but its setups."""
    if not work:
        message = f"`{item.id}` would take down at once what was set up"
        help_ = "add `after:` with the tasks that need it"
        yield Diagnostic("DF224", message, Pointer((*item.path, "teardown"), key=True), help=help_)
