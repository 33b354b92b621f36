"""A plan as a picture in text: Mermaid for pull requests, DOT for Graphviz, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.plan import Edge, Plan, PlannedTask

_SHAPES = {"gate": "{{%s}}", "sweep": "[[%s]]", "empty": "(%s)"}


def mermaid(plan: Plan) -> str:
    """Return a Mermaid flowchart: gates as hexagons, sweeps as double boxes, branches labelled."""
    lines = ["flowchart TD"]
    lines += _mermaid_block(plan, (), 1)
    lines += [f"    {edge.upstream} {_arrow(edge)} {edge.downstream}" for edge in plan.edges]
    return "\n".join(lines) + "\n"


def _mermaid_block(plan: Plan, groups: tuple[str, ...], depth: int) -> list[str]:
    """Return the nodes inside a group, groups as subgraphs."""
    pad, lines = "    " * depth, []
    for item in (each for each in plan.tasks.values() if each.groups == groups):
        if item.task.type == "group":
            inner = _mermaid_block(plan, (*groups, item.id), depth + 1)
            lines += [f"{pad}subgraph {item.id}", *inner, f"{pad}end"]
        else:
            shape = _SHAPES.get(item.task.type, "[%s]")
            lines.append(pad + item.id + shape % f'"{item.id}<br/><small>{item.task.type}</small>"')
    return lines


def _arrow(edge: Edge) -> str:
    """Return a Mermaid arrow: dotted with the branch's name after a gate."""
    return f"-.{edge.path[-2]}.->" if edge.why == "branch" else "-->"


def dot(plan: Plan) -> str:
    """Return a DOT digraph."""
    nodes = [f'  "{item.id}" [label="{item.id}\\n{item.task.type}"];' for item in _boxes(plan)]
    edges = [f'  "{edge.upstream}" -> "{edge.downstream}";' for edge in plan.edges]
    head = [f'digraph "{plan.pipeline.pipeline}" {{', "  rankdir=TB; node [shape=box];"]
    return "\n".join([*head, *nodes, *edges, "}"]) + "\n"


def as_json(plan: Plan) -> str:
    """Return tasks and edges as JSON."""
    data = {
        "schema_version": 1,
        "pipeline": plan.pipeline.pipeline,
        "tasks": [
            {"id": item.id, "type": item.task.type, "groups": list(item.groups)}
            for item in plan.tasks.values()
        ],
        "edges": [
            {"from": edge.upstream, "to": edge.downstream, "why": edge.why} for edge in plan.edges
        ],
    }
    return json.dumps(data, indent=2) + "\n"


def _boxes(plan: Plan) -> list[PlannedTask]:
    """Return every task but groups."""
    return [item for item in plan.tasks.values() if item.task.type != "group"]


FORMATS: dict[str, Callable[[Plan], str]] = {"mermaid": mermaid, "dot": dot, "json": as_json}
