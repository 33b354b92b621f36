"""What a task gets: its inputs from the tasks before it, and what a dag hands out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from dagfactory.emulator.pipelines.placeholders import Places, filled
from dagfactory.emulator.pipelines.template import definitions
from dagfactory.emulator.pipelines.values import Ended, PipelineError, Tree, Values

_FIELD = re.compile(r"""parseJson\(string_value\)\[["']([^"']*)["']\]""")


def bound(task: Tree, values: Values, ended: Mapping[str, Ended], places: Places) -> Values:
    """Return the inputs of a task; raises PipelineError where one has no source."""
    inputs = task.get("inputs", {})
    given = {
        name: _parameter(source, values, ended)
        for name, source in inputs.get("parameters", {}).items()
    }
    made = Values({name: value for name, value in given.items() if value is not _ABSENT})
    constants = {
        name: filled(made.parameters[name], made, places)
        for name, source in inputs.get("parameters", {}).items()
        # only the template's own texts: a placeholder in what a task wrote stays text
        if "runtimeValue" in source and isinstance(made.parameters.get(name), str)
    }
    artifacts = {
        name: _artifacts(source, values, ended)
        for name, source in inputs.get("artifacts", {}).items()
    }
    return Values({**made.parameters, **constants}, artifacts)


_ABSENT = object()


def _parameter(source: Tree, values: Values, ended: Mapping[str, Ended]) -> Any:
    if "taskOutputParameter" in source:
        output = source["taskOutputParameter"]
        made = ended[output["producerTask"]].values.parameters
        value = made.get(output["outputParameterKey"], _ABSENT)
    elif "componentInputParameter" in source:
        value = values.parameters.get(source["componentInputParameter"], _ABSENT)
    elif "taskFinalStatus" in source:
        value = _status(source["taskFinalStatus"]["producerTask"], ended)
    else:
        value = source.get("runtimeValue", {}).get("constant", _ABSENT)
    selector = source.get("parameterExpressionSelector", "")
    return _selected(value, selector) if selector else value


def _status(name: str, ended: Mapping[str, Ended]) -> Tree:
    error = {"code": 9, "message": ended[name].error} if ended[name].error else {}
    return {"state": ended[name].state, "error": error, "pipelineTaskName": name}


def _selected(value: Any, selector: str) -> Any:
    match = _FIELD.fullmatch(selector)
    if match is None:
        raise PipelineError(
            f"Selector {selector!r} is not of the form parseJson(string_value)[NAME]."
        )
    try:
        return (json.loads(value) if isinstance(value, str) else value)[match[1]]
    except (KeyError, TypeError, ValueError):
        raise PipelineError(
            f"The value that {selector} selects from has no {match[1]!r}."
        ) from None


def _artifacts(source: Tree, values: Values, ended: Mapping[str, Ended]) -> list[Tree]:
    if "taskOutputArtifact" in source:
        output = source["taskOutputArtifact"]
        made = ended[output["producerTask"]].values.artifacts
        return made.get(output["outputArtifactKey"], [])
    return values.artifacts.get(source.get("componentInputArtifact", ""), [])


def handed_out(component: Tree, ended: Mapping[str, Ended]) -> Values:
    """Return the outputs of a dag from those of its tasks."""
    outputs = component["dag"].get("outputs", {})
    parameters: Tree = {}
    for name, source in outputs.get("parameters", {}).items():
        chosen = source.get("valueFromOneof", {}).get("parameterSelectors", [])
        for each in [source.get("valueFromParameter", {}), *chosen]:
            found = _made(each, ended).parameters
            if each and each["outputParameterKey"] in found:
                parameters.setdefault(name, found[each["outputParameterKey"]])
    artifacts = {
        name: [
            artifact
            for each in source.get("artifactSelectors", [])
            for artifact in _made(each, ended).artifacts.get(each["outputArtifactKey"], [])
        ]
        for name, source in outputs.get("artifacts", {}).items()
    }
    return Values(parameters, artifacts)


def _made(selector: Tree, ended: Mapping[str, Ended]) -> Values:
    task = ended.get(selector.get("producerSubtask", ""))
    return Values() if task is None else task.values


def collected(component: Tree, every: list[Values]) -> Values:
    """Return the outputs of a loop: of each the list over its iterations."""
    parameters = {
        name: [each.parameters[name] for each in every if name in each.parameters]
        for name in definitions(component, "output", "parameters")
    }
    artifacts = {
        name: [artifact for each in every for artifact in each.artifacts.get(name, [])]
        for name in definitions(component, "output", "artifacts")
    }
    return Values(parameters, artifacts)
