"""A plan as a picture in text: Mermaid for pull requests, DOT for Graphviz, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Edge, Plan, PlannedTask

_WORDS = {"call", "class", "click", "default", "direction", "end", "flowchart", "graph", "href"}
_WORDS |= {"interpolate", "style", "subgraph", "bt", "br", "lr", "rl", "tb", "td"}
"""Words of Mermaid's own: a node called so would break the picture."""

_SHAPES = {"gate": "{{%s}}", "approval": "{{%s}}", "sweep": "[[%s]]", "empty": "(%s)"}


def mermaid(plan: Plan) -> str:
    """Return a Mermaid flowchart: gates as hexagons, sweeps as double boxes, branches labelled."""
    lines = ["flowchart TD"]
    lines += _mermaid_block(plan, (), 1)
    lines += [
        f"    {_node(edge.upstream)} {_arrow(edge)} {_node(edge.downstream)}" for edge in plan.edges
    ]
    return "\n".join(lines) + "\n"


def _mermaid_block(plan: Plan, groups: tuple[str, ...], depth: int) -> list[str]:
    """Return the nodes inside a group, groups as subgraphs."""
    pad, lines = "    " * depth, []
    for item in (each for each in plan.tasks.values() if each.groups == groups):
        if item.task.type == "group":
            inner = _mermaid_block(plan, (*groups, item.id), depth + 1)
            title = f'{pad}subgraph {_node(item.id)}["{item.id}"]'
            lines += [title, *inner, f"{pad}end"]
        else:
            shape = _SHAPES.get(item.task.type, "[%s]")
            label = f'"{item.id}<br/><small>{item.task.type}</small>"'
            lines.append(pad + _node(item.id) + shape % label)
    return lines


def _node(name: str) -> str:
    """Return a task's name in Mermaid."""
    # ids have no capital letters, so this name cannot be that of another task
    return f"T_{name}" if name in _WORDS else name


def _arrow(edge: Edge) -> str:
    """Return a Mermaid arrow: dotted with the branch's name after a gate."""
    return f"-.{edge.path[-2]}.->" if edge.why == "branch" else "-->"


def dot(plan: Plan) -> str:
    """Return a DOT digraph: groups as clusters, and edges that end at their borders."""
    head = [f'digraph "{plan.pipeline.pipeline}" {{']
    head.append("  rankdir=TB; compound=true; node [shape=box];")
    return "\n".join(
        [*head, *_dot_block(plan, (), 1), *map(partial(_dot_edge, plan), plan.edges), "}", ""]
    )


def _dot_block(plan: Plan, groups: tuple[str, ...], depth: int) -> list[str]:
    """Return the nodes inside a group, groups as clusters."""
    pad, lines = "  " * depth, []
    for item in (each for each in plan.tasks.values() if each.groups == groups):
        if item.task.type == "group":
            inner = _dot_block(plan, (*groups, item.id), depth + 1)
            title = f'{pad}  label="{item.id}";'
            lines += [f'{pad}subgraph "cluster_{item.id}" {{', title, *inner, f"{pad}}}"]
        else:
            lines.append(f'{pad}"{item.id}" [label="{item.id}\\n{item.task.type}"];')
    return lines


def _dot_edge(plan: Plan, edge: Edge) -> str:
    """Return one edge."""
    # DOT has edges between nodes only, and clips them where a cluster begins
    ends = [(edge.upstream, "ltail"), (edge.downstream, "lhead")]
    clips = [
        f'{side}="cluster_{name}"' for name, side in ends if plan.tasks[name].task.type == "group"
    ]
    nodes = f'  "{_inside(plan, edge.upstream)}" -> "{_inside(plan, edge.downstream)}"'
    return nodes + (f" [{', '.join(clips)}];" if clips else ";")


def _inside(plan: Plan, name: str) -> str:
    """Return a task that is not a group: the one named, or the first one inside it."""
    if plan.tasks[name].task.type != "group":
        return name
    return next(item.id for item in _boxes(plan) if name in item.groups)


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
