"""A compiled pipeline as it must be before anything of it runs."""

import json
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from dagfactory.emulator.pipelines.values import PipelineError, Tree, fits

LARGEST, DEEPEST, MOST_TASKS = 1_000_000, 20, 10_000


def check(spec: Tree) -> None:
    """Raise PipelineError for a template that no run could follow to its end."""
    if len(json.dumps(spec)) > LARGEST:
        raise PipelineError(f"The pipeline spec is larger than {LARGEST} characters.")
    if not str(spec.get("schemaVersion", "")).startswith("2."):
        raise PipelineError("pipeline_spec.schemaVersion is not 2.x.")
    if "dag" not in spec.get("root", {}):
        raise PipelineError("pipeline_spec.root has no dag.")
    _counted(spec, spec["root"], 1, {})


def _counted(spec: Tree, component: Tree, depth: int, known: dict[tuple[str, int], int]) -> int:
    """Check a dag and all that it calls; return how many tasks it stands for."""
    if depth > DEEPEST:
        raise PipelineError(f"The pipeline spec nests more than {DEEPEST} dags.")
    order(component)
    total = 0
    for name, task in tasks(component).items():
        called, key = component_of(spec, name, task), (task["componentRef"]["name"], depth)
        if "dag" not in called:
            executor(spec, called)
        elif key not in known:
            # once a depth: dags that call each other several times stand for very many tasks
            known[key] = _counted(spec, called, depth + 1, known)
        total += 1 + known.get(key, 0)
    if total > MOST_TASKS:
        raise PipelineError(f"The pipeline spec stands for more than {MOST_TASKS} tasks.")
    return total


def order(component: Tree) -> TopologicalSorter[str]:
    """Return the tasks of a dag in their order, prepared; raises PipelineError."""
    every = tasks(component)
    edges = {name: set(upstream(task)) for name, task in every.items()}
    for name, above in edges.items():
        if unknown := sorted(above - set(every)):
            raise PipelineError(f"Task {name} depends on {unknown[0]}, which is not in its dag.")
    sorter = TopologicalSorter(edges)
    try:
        sorter.prepare()
    except CycleError as error:
        raise PipelineError(f"Tasks depend on each other: {', '.join(error.args[1])}.") from None
    return sorter


def tasks(component: Tree) -> Tree:
    """Return the tasks of a dag by name."""
    found: Tree = component["dag"].get("tasks", {})
    return found


def upstream(task: Tree) -> Iterator[str]:
    """Yield the names of the tasks that one waits for."""
    yield from task.get("dependentTasks", [])
    inputs = task.get("inputs", {})
    for each in (*inputs.get("parameters", {}).values(), *inputs.get("artifacts", {}).values()):
        for source in each.values():
            if isinstance(source, dict) and "producerTask" in source:
                yield source["producerTask"]


def component_of(spec: Tree, name: str, task: Tree) -> Tree:
    """Return what a task calls; raises PipelineError."""
    called = task.get("componentRef", {}).get("name", "")
    if called not in spec.get("components", {}):
        raise PipelineError(f"Task {name} calls {called!r}, which is not a component.")
    component: Tree = spec["components"][called]
    return component


def executor(spec: Tree, component: Tree) -> Tree:
    """Return the executor of a component: a container or an importer; raises PipelineError."""
    label = component.get("executorLabel", "")
    found: Tree = spec.get("deploymentSpec", {}).get("executors", {}).get(label, {})
    if not {"container", "importer"} & set(found):
        raise PipelineError(f"Executor {label!r} is not a container or an importer.")
    return found


def definitions(component: Tree, side: str, kind: str) -> Tree:
    """Return the declared `parameters` or `artifacts` of a component's `input` or `output`."""
    found: Tree = component.get(f"{side}Definitions", {}).get(kind, {})
    return found


def with_defaults(component: Tree, given: Tree) -> Tree:
    """Return the parameters of a component; raises PipelineError for a missing or wrong one."""
    declared = definitions(component, "input", "parameters")
    if unknown := sorted(set(given) - set(declared)):
        raise PipelineError(f"{unknown[0]!r} is not an input parameter.")
    defaults = {
        name: each["defaultValue"] for name, each in declared.items() if "defaultValue" in each
    }
    values = {**defaults, **given}
    for name, each in declared.items():
        _check_parameter(name, each, values)
    return values


def _check_parameter(name: str, declared: Tree, values: Tree) -> None:
    kind = declared.get("parameterType", "")
    if name not in values:
        if not declared.get("isOptional"):
            raise PipelineError(f"Input parameter {name!r} has no value.")
    elif not _fits(values[name], kind):
        raise PipelineError(f"The value of input parameter {name!r} is not of type {kind}.")


def _fits(value: Any, kind: str) -> bool:
    # the final status of a task and items of a loop may be null
    return value is None or fits(value, kind)
