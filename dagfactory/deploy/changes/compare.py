"""What is deployed compared with a bundle, without a request."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.plan_paths import ENVIRONMENT, plan_path
from dagfactory.compiler.bundle.sidecars import POLICY, POOLS
from dagfactory.compiler.lower.dag import BESIDE
from dagfactory.deploy.changes.document import Document, read_environment, read_pipeline
from dagfactory.deploy.changes.field import ABSENT, Field, fields, same
from dagfactory.deploy.changes.model import Action, Changes, PipelineChange, Reason, TaskChange
from dagfactory.project.content_name import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.deploy.changes.deployed import Deployed

_GENERATED = ("generator", "runtime", "target")
"""Keys of a manifest that say what wrote the DAG files."""


def compare(deployed: Deployed, bundle: Bundle) -> Changes:
    """Return what changes when a destination becomes a bundle."""
    made = json.loads(bundle.manifest)
    generator = tuple(_generator(deployed.manifest.data, made))
    environment = tuple(_environment(deployed, made, bundle))
    # of a destination without a manifest everything is new, and nothing is a change
    first = not deployed.manifest.data
    return Changes(
        tuple(_pipelines(deployed, bundle, made, _shared_reasons(generator, environment))),
        () if first else generator,
        () if first else environment,
    )


def _generator(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Field]:
    for key in _GENERATED:
        yield from fields(old.get(key, ABSENT), new[key], (key,))


def _environment(deployed: Deployed, made: dict[str, Any], bundle: Bundle) -> Iterator[Field]:
    """Yield what differs in the environment and in what lies beside the DAGs."""
    old, new = deployed.manifest.files, made["files"]
    known = read_environment(bundle.files.get(ENVIRONMENT, b""))
    if deployed.environment is not None and known is not None:
        yield from fields(deployed.environment, known)
    else:
        yield from _hash(POOLS, old, new)
    yield from fields(
        deployed.manifest.data.get("code", ABSENT), made.get("code", ABSENT), ("own_code",)
    )
    for path in sorted({*old, *new}):
        if path.endswith(POLICY):
            yield from _hash(path, old, new)
    # a package that is gone from the specs stays for the jobs that install it
    packages = {path.partition("/")[0] for path in new if kind_of(path) == "package"}
    known_packages = {path.partition("/")[0] for path in old}
    yield from (Field(("packages", name), new=name) for name in sorted(packages - known_packages))


def _hash(path: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Field]:
    """Yield a file whose content differs, with the beginnings of both hashes."""
    before, after = (side[path]["sha256"][:12] if path in side else ABSENT for side in (old, new))
    yield from fields(before, after, (path,))


def _pipelines(
    deployed: Deployed, bundle: Bundle, made: dict[str, Any], shared: tuple[Reason, ...]
) -> Iterator[PipelineChange]:
    """Yield every pipeline whose DAG file is not what it was."""
    old, new = deployed.manifest.files, made["files"]
    for name in sorted({*_dags(old), *_dags(new)}):
        before, after = (side.get(f"{name}.py", {}).get("sha256") for side in (old, new))
        one = deployed.pipelines.get(name)
        other = read_pipeline(bundle.files.get(plan_path(name), b""))
        if before == after:
            continue
        if before is None:
            yield _compared(name, Document(), other or Document(), "added")
        elif after is None:
            yield _compared(name, one or Document(), Document(), "removed")
        elif one and other:
            change = _compared(name, one, other)
            yield replace(change, reasons=(*change.reasons, *shared) or ("wording",))
        else:
            yield PipelineChange(name, "changed", _unread(name, deployed, made, shared))


def _unread(
    name: str, deployed: Deployed, made: dict[str, Any], shared: tuple[Reason, ...]
) -> tuple[Reason, ...]:
    """Return why a DAG file changes that has no plan to compare with."""
    before, after = (_inputs(side, name) for side in (deployed.manifest.data, made))
    # one hash of the resolved spec and the environment: the same inputs need no plan to compare
    return shared if before == after and shared else ("unknown", *shared)


def _inputs(manifest: dict[str, Any], name: str) -> Any:
    """Return the hash of what a DAG file was made from; an object of its own where there is none."""
    # a destination's manifest is read as far as a sync needs it, and the rest of it may be anything
    pipelines = manifest.get("pipelines")
    entry = pipelines.get(name) if isinstance(pipelines, dict) else None
    return entry.get("inputs") if isinstance(entry, dict) else object()


def _shared_reasons(
    generator: tuple[Field, ...], environment: tuple[Field, ...]
) -> tuple[Reason, ...]:
    """Return the reasons that every DAG file has to change."""
    found: list[Reason] = ["generator"] if generator else []
    return (*found, "environment") if any(map(_in_dags, environment)) else tuple(found)


def _in_dags(field: Field) -> bool:
    """Whether DAG files are made from what an environment says under a key."""
    first = field.path[0]
    return first not in {*BESIDE, "packages"} and not first.endswith((POLICY, POOLS))


def _dags(files: Iterable[str]) -> Iterator[str]:
    """Yield the pipelines that have a DAG file."""
    return (path[: -len(".py")] for path in files if path.endswith(".py") and "/" not in path)


def _compared(
    name: str, old: Document, new: Document, action: Action = "changed"
) -> PipelineChange:
    """Compare two versions of a pipeline."""
    change = PipelineChange(
        name,
        action,
        (),
        settings=tuple(fields(old.settings, new.settings)),
        tasks=tuple(task_changes(old.tasks, new.tasks)),
        edges_added=tuple(sorted(new.edges - old.edges)),
        edges_removed=tuple(sorted(old.edges - new.edges)),
        sizes=tuple(_sizes(old.airflow, new.airflow)),
        vanished=tuple(sorted(old.airflow.keys() - new.airflow.keys())),
    )
    return replace(change, reasons=("spec",)) if change.settings or change.tasks else change


def _sizes(old: dict[str, int | None], new: dict[str, int | None]) -> Iterator[Field]:
    """Yield the tasks that run another number of times than before."""
    for name in sorted(old.keys() & new.keys()):
        yield from fields(old[name], new[name], (name,))


def task_changes(
    old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]
) -> list[TaskChange]:
    """Return the tasks that are new, gone, other or called otherwise, by id."""
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    renamed = _renamed({name: old[name] for name in gone}, {name: new[name] for name in come})
    changes = [TaskChange(name, old[name], new[name]) for name in old.keys() & new.keys()]
    changes = [each for each in changes if not same(each.old, each.new)]
    changes += [TaskChange(name, old[name], new[to], to) for name, to in renamed.items()]
    changes += [TaskChange(name, old=old[name]) for name in gone - renamed.keys()]
    changes += [TaskChange(name, new=new[name]) for name in come - set(renamed.values())]
    return sorted(changes, key=lambda each: each.id)


def _renamed(gone: dict[str, dict[str, Any]], come: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return old id → new id: in another group under its own name, else the only one so defined."""
    found: dict[str, str] = {}
    for key in (_name_and_definition, _definition):
        before, after = _alike(gone, key), _alike(come, key)
        for alike in before.keys() & after.keys():
            if len(before[alike]) == len(after[alike]) == 1:
                found[before[alike][0]] = after[alike][0]
        gone = {name: task for name, task in gone.items() if name not in found}
        come = {name: task for name, task in come.items() if name not in found.values()}
    return found


def _alike(
    tasks: dict[str, dict[str, Any]], key: Callable[[str, dict[str, Any]], str]
) -> dict[str, list[str]]:
    """Return the ids of tasks by a key."""
    found = defaultdict(list)
    for name, task in tasks.items():
        found[key(name, task)].append(name)
    return found


def _name_and_definition(name: str, task: dict[str, Any]) -> str:
    return f"{name.rpartition('.')[2]} {_definition(name, task)}"


def _definition(_name: str, task: dict[str, Any]) -> str:
    return json.dumps(task, sort_keys=True)
