"""Circles: tasks that wait for each other, through groups as well.

A group begins before its members and ends after them, as Airflow expands it.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic, Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dagfactory.compiler.plan.model import Edge, PlannedTask
    from dagfactory.document.node import Node

Moment: TypeAlias = tuple[str, Literal["begin", "end"]]
Graph: TypeAlias = dict[Moment, list[Moment]]
"""Each moment with those that must come before it."""


def circles(
    tasks: Mapping[str, PlannedTask], edges: list[Edge], node: Node
) -> tuple[list[Diagnostic], list[Edge]]:
    """Find tasks that wait for each other, with one circle of each lot; return the edges outside too."""
    order = {name: index for index, name in enumerate(tasks)}
    if all(order[edge.upstream] < order[edge.downstream] for edge in edges):
        return [], edges  # every task waits for earlier ones only, and a group's members follow it
    graph = moments(tasks, edges)
    found: list[Diagnostic] = []
    while circle := _circle(graph):
        # each costs a walk through all tasks; the rest is left without an order
        if len(found) == limits.FINDINGS.most:
            return found, []
        found.append(_shown(circle, edges, node))
        lot = _reached(graph, circle[0]) & _reached(_turned(graph), circle[0])
        # one mistake closes many circles of a lot, and its other edges say nothing new
        edges = [
            edge
            for edge in edges
            if not {(edge.upstream, "end"), (edge.downstream, "begin")} <= lot
        ]
        graph = moments(tasks, edges)
    return found, edges


def moments(tasks: Mapping[str, PlannedTask], edges: Iterable[Edge]) -> Graph:
    """Return the beginning and the end of every task and group, each with what comes before it."""
    graph: Graph = {}
    for item in tasks.values():
        graph.setdefault((item.id, "end"), []).append((item.id, "begin"))
        graph.setdefault((item.id, "begin"), [])
        # the innermost group is enough: it is tied to its own group in the same way
        for group in item.groups[-1:]:
            graph[item.id, "begin"].append((group, "begin"))
            graph.setdefault((group, "end"), []).append((item.id, "end"))
    for edge in edges:
        graph[edge.downstream, "begin"].append((edge.upstream, "end"))
    return graph


def _circle(graph: Graph) -> list[Moment]:
    """Return moments that come before each other, the first one again at the end; none if all is well."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _turned(graph: Graph) -> Graph:
    turned: Graph = {moment: [] for moment in graph}
    for moment, before in graph.items():
        for each in before:
            turned[each].append(moment)
    return turned


def _reached(graph: Graph, start: Moment) -> set[Moment]:
    found, fresh = set(), {start}
    while fresh:
        found |= fresh
        fresh = {each for moment in fresh for each in graph[moment]} - found
    return found


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
