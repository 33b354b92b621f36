"""Circles: tasks that wait for each other, through groups as well.

A group begins before its members and ends after them, as Airflow expands it.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from dagfactory.diagnostics.diagnostic import Diagnostic, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagfactory.compiler.plan.model import Edge, PlannedTask
    from dagfactory.document.node import Node

Moment: TypeAlias = tuple[str, Literal["begin", "end"]]


def cycle(tasks: Mapping[str, PlannedTask], edges: list[Edge], node: Node) -> list[Diagnostic]:
    """Find a cycle of tasks that wait for each other, and show the whole of it."""
    order = {name: index for index, name in enumerate(tasks)}
    if all(order[edge.upstream] < order[edge.downstream] for edge in edges):
        return []  # every task waits for earlier ones only, and a group's members follow it
    sorter: TopologicalSorter[Moment] = TopologicalSorter()
    for item in tasks.values():
        sorter.add((item.id, "end"), (item.id, "begin"))
        # the innermost group is enough: it is tied to its own group in the same way
        for group in item.groups[-1:]:
            sorter.add((item.id, "begin"), (group, "begin"))
            sorter.add((group, "end"), (item.id, "end"))
    for edge in edges:
        sorter.add((edge.downstream, "begin"), (edge.upstream, "end"))
    try:
        sorter.prepare()
    except CycleError as error:
        return [_shown(list(error.args[1]), edges, node)]
    return []


def _shown(moments: list[Moment], edges: list[Edge], node: Node) -> Diagnostic:
    """Describe a circle, with the place of each of its edges."""
    pairs = set(pairwise(moments))
    members = [
        edge for edge in edges if ((edge.upstream, "end"), (edge.downstream, "begin")) in pairs
    ]
    spans = [node.span_of(edge.path) for edge in members]
    return Diagnostic(
        "DF206",
        "tasks wait for each other in a circle: " + " → ".join(_names(moments)),
        spans[0],
        help="remove one of these dependencies",
        labels=tuple(
            Label(span, f"`{edge.downstream}` waits for `{edge.upstream}`")
            for edge, span in zip(members[1:], spans[1:], strict=True)
        ),
    )


def _names(moments: list[Moment]) -> list[str]:
    """Return the tasks of a circle, each once in a row, the first one again at the end."""
    names = [name for name, _ in moments]
    kept = [after for before, after in pairwise(names) if before != after]
    return [kept[-1], *kept]
