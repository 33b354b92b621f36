"""Edits of specs, drawn over every key that a spec has, and the changes that they make."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml
from paths import ROOT, TESTS

from dagfactory.compiler.bundle.plan_file import plan_files
from dagfactory.compiler.bundle.plan_paths import ENVIRONMENT
from dagfactory.compiler.compile import Front, front_end
from dagfactory.compiler.lower.dag import lower
from dagfactory.compiler.parse import parse
from dagfactory.compiler.plan.build import plan
from dagfactory.diagnostics.diagnostic import has_errors
from dagfactory.diagnostics.source import SourceFile
from dagfactory.document.load import load

SOURCES = (
    TESTS / "tasks/every_key.yaml",
    *sorted((TESTS / "deploy/changes/specs").glob("*.yaml")),
    *sorted((TESTS / "system/features/specs").glob("*.yaml")),
    *sorted((ROOT / "specs/examples").glob("*.yaml")),
    ROOT / "specs/arr_coc.yaml",
)
PROD = """\
environment: prod
project: demo-project
region: us-central1
bucket: gs://demo-bucket
pools: {gpu_quota: {slots: 2}, bigquery_slots: {slots: 2}}
"""
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Edit:
    """A value put at a path of a spec; GONE takes the key away."""

    path: Steps
    new: Any


GONE = object()


def source(path: Path) -> dict[str, Any]:
    """Return a spec as plain data, by the loader of specs."""
    node, found = load(SourceFile("spec.yaml", path.read_text()))
    assert node
    assert not found
    data = node.plain()
    data.pop("environments", None)
    # the image of the examples stands in a file beside them
    data["defaults"] = {"image": "us-docker.pkg.dev/p/r/t:1", **data.get("defaults", {})}
    return data


class Workshop:
    """A folder in which specs are compiled as far as their plans."""

    def __init__(self, folder: Path) -> None:
        (folder / "environments").mkdir()
        (folder / "environments/prod.yaml").write_text(PROD)
        (folder / "train.py").touch()
        self._folder, self._count = folder, 0

    def front(self, data: dict[str, Any] | str) -> Front:
        """Return a spec, given as data or text, resolved and validated."""
        # a file is read once in a process, whatever it holds by then
        self._count += 1
        spec = self._folder / f"spec{self._count}.yaml"
        spec.write_text(data if isinstance(data, str) else json.dumps(data))
        front = front_end(parse(spec, "prod"), "prod")
        spec.unlink()
        return front

    def plan(self, data: dict[str, Any] | str) -> bytes | None:
        """Return the plan of a spec; None for one with errors."""
        front = self.front(data)
        if front.pipeline is None or front.node is None or has_errors(front.diagnostics):
            return None
        made, found = plan(front.pipeline, front.node, front.environment)
        if has_errors(found):
            return None
        files = plan_files(made, lower(made, source="spec.yaml"))
        return next(text for path, text in files.items() if path != ENVIRONMENT)


def places(data: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield every value with its path, the spec itself left out."""
    steps = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for step, value in steps:
        if not path and step in ("vars", "environments", "pipeline"):
            continue
        yield (*path, step), value
        yield from places(value, (*path, step))


def key(path: Steps, data: dict[str, Any]) -> tuple[str, ...]:
    """Return what a path is an example of: the type of its task and the keys in it, without positions."""
    kind, at, above, kept = "", data, "", []
    for step in path:
        at = at[step]
        if above == "tasks":
            kind, kept = at.get("type", "") if isinstance(at, dict) else "", []
        elif isinstance(step, str) and step != "tasks":
            kept.append(step)
        # of mappings inside a task, none that holds tasks is called so
        above = step if not kept else ""
    return (kind, *kept)


def edits(path: Steps, value: Any, random: Random) -> list[Edit]:
    """Return edits of the value at a path, of which some may be wrong."""
    found = [GONE] if isinstance(path[-1], str) else []
    match value:
        case bool():
            found.append(not value)
        case int() | float():
            found += [value + 1, value - 1, value * 2]
        case str():
            found += [f"{value}1", f"{value} 1", f"{value[:-1]}2", f"1{value}", *OTHERS]
        case list() if value:
            found += [value[1:], [*value, *value[:1]], value[::-1]]
    random.shuffle(found)
    return [Edit(path, each) for each in found if each is GONE or not _equal(each, value)]


OTHERS = (
    *("2h", "standard", "spot", "csv", "json", "random", "minimize", "never", "all_done", "append"),
    *("pd-standard", "fast", "n1-standard-16", "warning", "critical", "linear", "eq", "flags"),
    *("gs://other-bucket/data", "2026-01-06", "@weekly", "Europe/Berlin", "a_b", "first", "any"),
)


def _equal(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def edited(data: dict[str, Any], changes: list[Edit]) -> dict[str, Any]:
    """Return a spec with edits made."""
    made = copy.deepcopy(data)
    for edit in changes:
        *above, last = edit.path
        at: Any = made
        for step in above:
            at = at[step]
        if edit.new is GONE:
            del at[last]
        else:
            at[last] = edit.new
    return made


def in_other_words(data: dict[str, Any], random: Random) -> str:
    """Return a spec as other YAML: keys in another order, comments, an anchor for what comes twice."""
    text = yaml.dump(_shuffled(data, random, {}), sort_keys=False, allow_unicode=True, width=60)
    return f"# {random.random()}\n{text}# the end\n"


def _shuffled(value: Any, random: Random, known: dict[str, Any]) -> Any:
    """Return a value with its keys in another order; what is equal is one object, which gets an anchor."""
    if not isinstance(value, dict | list) or not value:
        return value
    name = json.dumps(value, sort_keys=True)
    if name not in known:
        steps = list(value.items() if isinstance(value, dict) else enumerate(value))
        if isinstance(value, dict):
            random.shuffle(steps)
        made = {step: _shuffled(each, random, known) for step, each in steps}
        known[name] = made if isinstance(value, dict) else list(made.values())
    return known[name]
