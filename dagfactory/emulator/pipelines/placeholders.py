"""Placeholders `{{$.…}}` in the command line of a container, replaced once and never again."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagfactory.emulator.pipelines.values import PipelineError, Tree, Values, as_text

DEEPEST = 50
_PLACEHOLDER = re.compile(r"\{\{\$(?P<path>[^{}]*)\}\}")
_STEP = re.compile(
    r"\.(?P<name>\w+)|\[(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<number>\d+))\]"
)


@dataclass(frozen=True, slots=True)
class Places:
    """What placeholders name beside the inputs: facts of the run, and where outputs go."""

    facts: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Tree] = field(default_factory=dict)
    output_file: str = ""
    local: Callable[[str], str] = str


def command(parts: list[str], inputs: Values, places: Places) -> list[str]:
    """Return a command line without placeholders; raises PipelineError."""
    return [text for part in parts for text in _structured(part, inputs, places, 0)]


def _structured(part: Any, inputs: Values, places: Places, depth: int) -> list[str]:
    """Return the arguments that one stands for: itself, a Concat or an IfPresent."""
    if depth > DEEPEST:
        raise PipelineError(f"An argument nests more than {DEEPEST} Concat and IfPresent.")
    tree = _tree(part)
    if tree is None:
        return [filled(as_text(part), inputs, places)]
    if "Concat" in tree:
        every = [
            text for each in tree["Concat"] for text in _structured(each, inputs, places, depth + 1)
        ]
        return ["".join(every)]
    chosen = tree["IfPresent"]
    present = inputs.parameters.get(chosen["InputName"]) is not None
    branch = chosen.get("Then" if present else "Else", [])
    listed = branch if isinstance(branch, list) else [branch]
    return [text for each in listed for text in _structured(each, inputs, places, depth + 1)]


def _tree(part: Any) -> Tree | None:
    if isinstance(part, str) and part.startswith(('{"Concat":', '{"IfPresent":')):
        try:
            part = json.loads(part)
        except ValueError:
            return None
    return part if isinstance(part, dict) and {"Concat", "IfPresent"} & set(part) else None


def filled(text: str, inputs: Values, places: Places) -> str:
    """Replace the placeholders of a text; what replaces one is not looked at again."""
    return _PLACEHOLDER.sub(lambda match: _value(match["path"], inputs, places), text)


def _value(path: str, inputs: Values, places: Places) -> str:
    if not path:
        return json.dumps(_everything(inputs, places), ensure_ascii=False)
    steps = [
        match["name"] or match["single"] or match["double"] or match["number"]
        for match in _STEP.finditer(path)
    ]
    match steps:
        case ["inputs", "parameters", name]:
            value = inputs.parameters.get(name)
            return "" if value is None else as_text(value)
        case ["outputs", "parameters", name, "output_file"] if name in places.parameters:
            return places.parameters[name]
        case ["outputs", "output_file"] | ["outputs", "output_metadata_uri"]:
            return places.output_file
        case ["inputs", "artifacts", name, *rest] if inputs.artifacts.get(name):
            return _artifact(inputs.artifacts[name][0], rest, places)
        case ["outputs", "artifacts", name, *rest] if name in places.artifacts:
            return _artifact(places.artifacts[name], rest, places)
        case [fact] if fact in places.facts:
            return places.facts[fact]
    raise PipelineError(f"Placeholder {{{{${path}}}}} stands for nothing here.")


def _artifact(artifact: Tree, steps: list[str], places: Places) -> str:
    match steps:
        case ["uri"]:
            return str(artifact["uri"])
        case ["path"]:
            return places.local(artifact["uri"])
        case ["metadata"]:
            return as_text(artifact.get("metadata", {}))
        case ["metadata", name]:
            return as_text(artifact.get("metadata", {}).get(name, ""))
    raise PipelineError(f"An artifact has no {'.'.join(steps)}.")


def _everything(inputs: Values, places: Places) -> Tree:
    """Return what an executor of Kubeflow's is given: ExecutorInput."""
    arrived = {name: {"artifacts": every} for name, every in inputs.artifacts.items()}
    made = {name: {"artifacts": [each]} for name, each in places.artifacts.items()}
    files = {name: {"outputFile": file} for name, file in places.parameters.items()}
    return {
        "inputs": {"parameterValues": inputs.parameters, "artifacts": arrived},
        "outputs": {"parameters": files, "artifacts": made, "outputFile": places.output_file},
    }
