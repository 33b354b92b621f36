"""The pipelines of a project and their tasks, and which of them are selected."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.parse import environments
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.terminal import safe
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.project.specs import SPECS, NoInputError, find_specs
from dagfactory.report import print_findings

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.schedule import Schedule

PIPELINE = "pipeline"
"""The type of what is no task."""

States = Callable[[tuple[Path, ...], str], Mapping[str, str]]
"""Returns what a sync of specs to an environment would do to each pipeline that it changes."""


@dataclass(frozen=True, slots=True)
class Item:
    """A pipeline, or a task of one as PIPELINE.TASK."""

    name: str
    type: str
    pipeline: str
    schedule: str
    tags: tuple[str, ...]
    spec: str


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The arguments of the command; `select` are texts such as `tag:nightly`."""

    paths: tuple[Path, ...]
    environment: str | None
    select: tuple[str, ...]
    format: str


def show(options: ListOptions, states: States) -> int:
    """Print what is selected; return the exit code. Raises DagfactoryError."""
    chosen = _chosen(options.select)
    items, sound = _items(options)
    if not sound:
        return 1
    changed = _changed(options, states) if "state" in chosen else {}
    found = [each for each in items if _is_selected(each, chosen, changed)]
    if not found:
        raise NoInputError("nothing is selected")
    sys.stdout.write(_as_json(found) if options.format == "json" else _as_text(found))
    return 0


def _changed(options: ListOptions, states: States) -> Mapping[str, str]:
    if options.environment is None:
        raise DagfactoryError("`state:` compares with what is deployed; add `--env NAME`")
    # what a plan says of pipelines is not yet there, or other, in words of its own
    words = {"added": "new", "changed": "modified"}
    found = states(options.paths, options.environment)
    return {name: words[action] for name, action in found.items() if action in words}


KEYS = ("name", "tag", "type", "state")


def _chosen(select: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each key that is selected by; a text without a key is a name."""
    chosen: dict[str, list[str]] = defaultdict(list)
    for text in select:
        key, colon, value = text.partition(":")
        if not colon:
            key, value = "name", text
        if key not in KEYS:
            remedy = did_you_mean(key, KEYS, "known") or f"write one of {', '.join(KEYS)}"
            raise DagfactoryError(f"`{key}` is not something to select by; {remedy}")
        chosen[key].append(value)
    return chosen


def _is_selected(
    item: Item, chosen: Mapping[str, Collection[str]], changed: Mapping[str, str]
) -> bool:
    """Return whether an item has one of the values of every key."""
    values = {
        "name": (item.name, item.pipeline),
        "tag": item.tags,
        "type": (item.type,),
        "state": (changed.get(item.pipeline, ""),),
    }
    return all(
        any(fnmatchcase(has, wanted) for has in values[key] for wanted in each)
        for key, each in chosen.items()
    )


def _items(options: ListOptions) -> tuple[list[Item], bool]:
    """Return every pipeline and task, and whether all specs could be read."""
    found, sound = list[Item](), True
    for path in find_specs(options.paths or (SPECS,)):
        environment = options.environment or next(iter(environments(path)), None)
        compiled = compile_spec(path, environment)
        errors = [each for each in compiled.diagnostics if each.severity == "error"]
        if print_findings(errors, compiled.sources) or compiled.plan is None:
            sound = False
        else:
            found += _of_plan(compiled.plan, str(path))
    return found, sound


def _of_plan(plan: Plan, spec: str) -> Iterator[Item]:
    pipeline = plan.pipeline
    name, when, tags = pipeline.pipeline, _when(pipeline.schedule), tuple(pipeline.tags)
    yield Item(name, PIPELINE, name, when, tags, spec)
    for task, each in plan.tasks.items():
        yield Item(f"{name}.{task}", each.task.type, name, when, tags, spec)


def _when(schedule: Schedule | None) -> str:
    if schedule is None:
        return ""
    every = f"every {schedule.every}" if schedule.every else None
    clock = schedule.cron or schedule.preset or every
    assets = "assets" if schedule.assets else None
    return " and ".join(filter(None, (clock, assets)))


def _as_json(found: Sequence[Item]) -> str:
    return json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False) + "\n"


def _as_text(found: Sequence[Item]) -> str:
    """Return a line for each; a schedule and tags stand with the pipeline."""
    rows = [
        (each.name, each.type, each.schedule, ", ".join(each.tags))
        if each.type == PIPELINE
        else (each.name, each.type, "", "")
        for each in found
    ]
    lines = table(("NAME", "TYPE", "SCHEDULE", "TAGS"), rows)
    return "".join(f"{safe(each, sys.stdout.encoding)}\n" for each in lines)
