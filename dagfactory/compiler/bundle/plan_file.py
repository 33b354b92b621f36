"""What a pipeline says, resolved, as a file that a later version is compared with.

Equal meaning gives equal bytes: keys are sorted, short forms written out, and comments, anchors, variables
and the patches of environments are gone. A default that the spec does not write is absent.
"""

from __future__ import annotations

import json
import math
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.plan_paths import ENVIRONMENT, plan_path
from dagfactory.dagfile.model import Group, Indices, Operator
from dagfactory.diagnostics.redact import is_random, masked, secret_kind, speaks_of_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from dagfactory.compiler.plan.model import Plan
    from dagfactory.dagfile.model import DagFile

FORMAT = 1
HIDDEN = "********"
"""What stands for a text that may be a secret."""

_ELSEWHERE = {"vars", "environments"}
"""Keys of a pipeline that are shown where they are used, as far as they are."""
_OF_SPECS = {"vars", "pipeline"}
"""Keys of an environment that are shown in the pipelines, as far as they are used."""
_HELD = {("default",), ("value",)}
"""Keys whose value is that of the key above."""


def plan_files(plan: Plan, dag_file: DagFile) -> dict[str, bytes]:
    """Return the plan of a pipeline and that of its environment, by path."""
    made = {plan_path(plan.pipeline.pipeline): _pipeline(plan, dag_file)}
    if plan.environment:
        made[ENVIRONMENT] = {"environment": _written(plan.environment, _OF_SPECS)}
    return {path: _text(data) for path, data in made.items()}


def _pipeline(plan: Plan, dag_file: DagFile) -> dict[str, Any]:
    edges: dict[str, list[str]] = {}
    # without the reason: of several it is the first, which the order of the tasks decides
    for edge in sorted(plan.edges, key=lambda each: each.upstream):
        edges.setdefault(edge.downstream, []).append(edge.upstream)
    return {
        "spec": _written(plan.pipeline, _ELSEWHERE),
        "edges": edges,
        "airflow": dict(_airflow(dag_file.members, "")),
    }


def _written(model: BaseModel, without: set[str]) -> Any:
    """Return what a model was given, by the names that a spec has for its keys."""
    return _canonical(model.model_dump(by_alias=True, exclude_unset=True, exclude=without))


def _airflow(members: tuple[Operator | Group, ...], above: str) -> Iterator[tuple[str, int | None]]:
    """Yield every task of Airflow with how often it runs in a run, None where only the run knows."""
    for member in members:
        name = f"{above}{member.id}"
        if isinstance(member, Group):
            yield from _airflow(member.members, f"{name}.")
        else:
            yield name, _times(member.expand)


def _times(expand: dict[str, Any]) -> int | None:
    """Return how often a task runs that is mapped over these lists, once without any."""
    times: int | None = 1
    for each in expand.values():
        count = each.count if isinstance(each, Indices) else None
        count = len(each) if isinstance(each, list) else count
        times = None if times is None or count is None else times * count
    return times


def _canonical(value: Any, path: tuple[str, ...] = ()) -> Any:
    """Return the value at a path as JSON has it, without what may be a secret."""
    match value:
        case dict():
            return {
                _shown(str(key)): _canonical(each, (*path, str(key))) for key, each in value.items()
            }
        case list() | tuple():
            return [_canonical(each, path) for each in value]
        case str():
            return HIDDEN if _is_secret(path) and "{{" not in value else _shown(value)
        case float() if not math.isfinite(value):
            return {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
        case datetime():
            return value.isoformat().removesuffix("T00:00:00")
    return value


def _is_secret(path: tuple[str, ...]) -> bool:
    """Whether the text at a path is a secret by the name of its key."""
    # below `secrets` are the names of secrets; a task may be called so as well
    if any(key == "secrets" and above != "tasks" for above, key in pairwise(("", *path))):
        return False
    return any(map(speaks_of_secret, path[-2:] if path[-1:] in _HELD else path[-1:]))


def _shown(text: str) -> str:
    if is_random(text):
        return HIDDEN
    return masked(text) if secret_kind(text) else text


def _text(data: dict[str, Any]) -> bytes:
    whole = {"format": FORMAT, **data}
    return (json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode()
