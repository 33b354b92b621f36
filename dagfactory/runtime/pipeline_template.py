"""A compiled pipeline (PipelineSpec, schema 2.1): what it takes, what it returns, whether it caches.

Fields: https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .arguments import as_text

Tree = Mapping[str, Any]
MOST_VALUES = 200_000


class UnfitError(ValueError):
    """A value that a parameter does not take, or a text that is no compiled pipeline."""


def parse(text: str) -> dict[str, Any]:
    """Read a template from JSON or YAML; raises UnfitError."""
    try:
        found = json.loads(text)
    except ValueError:
        found = _yaml(text)
    if not isinstance(found, dict) or "dag" not in (found.get("root") or ()):
        raise UnfitError("it has no `root` with a `dag`")
    _require_few(found)
    return found


def _require_few(tree: Any) -> None:
    # YAML's aliases make little text stand for very much
    left, seen = [tree], 0
    while left:
        value = left.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise UnfitError(f"it holds more than {MOST_VALUES} values")
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value


def _yaml(text: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        first, *others = [*yaml.load_all(text, loader), None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnfitError(f"it is neither JSON nor YAML: {str(error).splitlines()[0]}") from None
    if any(others):  # kfp writes there what another platform adds
        raise UnfitError("it has a second document, of which Vertex AI would know nothing")
    return first


def parameters(template: Tree) -> Mapping[str, Tree]:
    """Return the parameters that a pipeline takes, by name."""
    return _definitions(template, "inputDefinitions", "parameters")


def output_names(template: Tree) -> list[str]:
    """Return what a pipeline returns: its parameters, then its artifacts."""
    return [
        name
        for kind in ("parameters", "artifacts")
        for name in _definitions(template, "outputDefinitions", kind)
    ]


def _definitions(template: Tree, side: str, kind: str) -> Mapping[str, Tree]:
    return dict((template["root"].get(side) or {}).get(kind) or {})


def values(template: Tree, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as their types want them, nulls left out; raises UnfitError."""
    declared = parameters(template)
    kept = {name: value for name, value in given.items() if value is not None}
    if unknown := sorted(kept.keys() - declared.keys()):
        raise UnfitError(f"the pipeline takes no parameter `{unknown[0]}`")
    return {
        name: fitted(name, str(declared[name].get("parameterType")), value)
        for name, value in kept.items()
    }


def fitted(name: str, kind: str, value: Any) -> Any:
    """Return a value as a type wants it, which XCom or a form may give as a text; raises UnfitError."""
    try:
        return _FITTED.get(kind, _as_it_is)(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        shown = json.dumps(value, default=str)
        raise UnfitError(f"`{name}` takes a value of type {kind}, not {shown}") from None


def _as_it_is(value: Any) -> Any:
    return value


def _integer(value: Any) -> int:
    number = _double(value)
    if not number.is_integer():
        raise ValueError(value)
    return int(value) if isinstance(value, str | int) else int(number)


def _double(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value.lower()]


def _of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        found = json.loads(value) if isinstance(value, str) else value
        if not isinstance(found, kind):
            raise TypeError(value)
        return found

    return read


_FITTED: Mapping[str, Callable[[Any], Any]] = {
    "STRING": as_text,
    "NUMBER_INTEGER": _integer,
    "NUMBER_DOUBLE": _double,
    "BOOLEAN": _boolean,
    "LIST": _of(list),
    "STRUCT": _of(dict),
}


def with_caching(template: Tree, *, caching: bool | None) -> Tree:
    """Return a template whose tasks all cache, or none of them; as it is for None."""
    if caching is None:
        return template
    components = {
        name: _caching(each, caching=caching)
        for name, each in (template.get("components") or {}).items()
    }
    return {
        **template,
        "root": _caching(template["root"], caching=caching),
        "components": components,
    }


def _caching(component: Tree, *, caching: bool) -> Tree:
    if "dag" not in component:
        return component
    dag = component["dag"]
    tasks = {
        name: {**task, "cachingOptions": {"enableCache": caching}}
        for name, task in (dag.get("tasks") or {}).items()
    }
    return {**component, "dag": {**dag, "tasks": tasks}}


def returned(template: Tree, details: Sequence[Tree]) -> dict[str, Any]:
    """Return the outputs of a pipeline by name: values of parameters, addresses of artifacts.

    ``details`` are the ``taskDetails`` of its job. An output whose task did not run is left out.
    """
    # the pipeline itself is a task without one above it, where Vertex AI lists it at all
    top = {each.get("taskId") for each in details if not each.get("parentTaskId")} | {None}
    outer = [each for each in details if each.get("parentTaskId") in top]
    found = {
        name: _returned(template, template["root"], name, outer, details)
        for name in output_names(template)
    }
    return {name: value for name, value in found.items() if value is not None}


def _returned(
    template: Tree, component: Tree, name: str, inside: Sequence[Tree], details: Sequence[Tree]
) -> Any:
    """Return an output of a dag, whose tasks' details are those `inside`; None where there is none."""
    for task, key in _producers(component["dag"], name):
        for detail in (each for each in inside if each.get("taskName") == task):
            value = _written(detail, key)
            called = _called(template, component, task)
            if value is None and "dag" in called:
                below = [
                    each for each in details if each.get("parentTaskId") == detail.get("taskId")
                ]
                value = _returned(template, called, key, below, details)
            if value is not None:
                return value
    return None


def _producers(dag: Tree, name: str) -> Iterator[tuple[str, str]]:
    """Yield the tasks that may produce an output, with what they call it."""
    outputs = dag.get("outputs") or {}
    parameter = (outputs.get("parameters") or {}).get(name) or {}
    artifact = (outputs.get("artifacts") or {}).get(name) or {}
    one = parameter.get("valueFromParameter")
    several = (parameter.get("valueFromOneof") or {}).get("parameterSelectors") or []
    for each in [one] if one else several:
        yield each["producerSubtask"], each["outputParameterKey"]
    for each in artifact.get("artifactSelectors") or []:
        yield each["producerSubtask"], each["outputArtifactKey"]


def _called(template: Tree, component: Tree, task: str) -> Tree:
    name = component["dag"]["tasks"].get(task, {}).get("componentRef", {}).get("name")
    found: Tree = (template.get("components") or {}).get(name) or {}
    return found


def _written(detail: Tree, key: str) -> Any:
    """Return what a task has written under a name: a parameter, or the address of an artifact."""
    # Vertex AI notes the parameters of a task in the metadata of its execution, as `output:NAME`
    metadata = (detail.get("execution") or {}).get("metadata") or {}
    if f"output:{key}" in metadata:
        return metadata[f"output:{key}"]
    artifacts = ((detail.get("outputs") or {}).get(key) or {}).get("artifacts") or []
    return artifacts[0].get("uri") if artifacts else None
