"""The JSON Schema of the language, for editors (draft-07, which the YAML language server reads)."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dagfactory import tasks
from dagfactory.spec.pipeline import Pipeline

DRAFT = "http://json-schema.org/draft-07/schema#"


def schema_text() -> str:
    """Return the schema of a pipeline file as JSON, ending in a line break."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema: the pipeline's keys, and per task the keys of its type."""
    models: list[type[BaseModel]] = [Pipeline, *(tasks.model(name) for name in tasks.types())]
    for model in models:
        model.model_rebuild()
    wanted = [(model, "validation") for model in models]
    found, definitions = models_json_schema(wanted, ref_template="#/definitions/{model}")  # type: ignore[arg-type]
    known = definitions["$defs"]
    refs = {name: found[(tasks.model(name), "validation")]["$ref"] for name in tasks.types()}
    root = dict(known.pop(found[(Pipeline, "validation")]["$ref"].rsplit("/", 1)[-1]))
    known["Task"] = _task(refs)
    root["properties"]["tasks"] |= {"additionalProperties": {"$ref": "#/definitions/Task"}}
    _nest(known)
    top = {"$schema": DRAFT, "title": "dagfactory pipeline"}
    return {**top, **_open(root), "definitions": {key: _open(known[key]) for key in sorted(known)}}


def _task(refs: dict[str, str]) -> dict[str, Any]:
    """Return the schema of any task: `type` first, then the keys of that type."""
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(refs), "description": "what the task does"}},
        "allOf": [
            {"if": {"properties": {"type": {"const": name}}}, "then": {"$ref": ref}}
            for name, ref in sorted(refs.items())
        ],
    }


def _nest(known: dict[str, Any]) -> None:
    """Let the tasks of a group be any task."""
    for definition in known.values():
        nested = definition.get("properties", {}).get("tasks")
        if nested:
            nested["additionalProperties"] = {"$ref": "#/definitions/Task"}


def _open(definition: Any) -> Any:
    """Allow a `${…}` reference wherever a number, a truth value or a choice is expected."""
    if isinstance(definition, list):
        return [_open(item) for item in definition]
    if not isinstance(definition, dict):
        return definition
    changed = {key: _open(value) for key, value in definition.items()}
    if changed.get("type") in ("integer", "number", "boolean") and "const" not in changed:
        keep = {key: changed.pop(key) for key in ("description", "default") if key in changed}
        return {**keep, "anyOf": [changed, {"type": "string", "pattern": "^\\$\\{.+\\}$"}]}
    return changed
