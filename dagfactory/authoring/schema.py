"""The JSON Schema of the language, for editors (draft-07, which the YAML language server reads).

It describes a file before `${…}` is replaced: a reference can stand wherever a value is not text.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dagfactory import tasks
from dagfactory.language.pipeline import Pipeline

DRAFT = "http://json-schema.org/draft-07/schema#"
REFERENCE = {
    "type": "string",
    "pattern": "^\\$\\{.+\\}$",
    "description": "A reference, for example ${vars.NAME}.",
}
TASK = {"$ref": "#/definitions/Task"}
_BESIDE = ("description", "default", "examples")

Json: TypeAlias = dict[str, Any]


def schema_text() -> str:
    """Return the schema of a pipeline file as JSON, ending in a line break."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> Json:
    """Return the schema: the pipeline's keys, and per task the keys of its type."""
    models: list[type[BaseModel]] = [
        Pipeline,
        *(tasks.task_type(name).model for name in tasks.types()),
    ]
    for model in models:
        model.model_rebuild()
    wanted = [(model, "validation") for model in models]
    found, definitions = models_json_schema(wanted, ref_template="#/definitions/{model}")  # type: ignore[arg-type]
    known = definitions["$defs"]
    refs = {
        name: found[(tasks.task_type(name).model, "validation")]["$ref"] for name in tasks.types()
    }
    made = {key: _definition(known[key], known) for key in sorted(known)}
    root = made.pop(found[(Pipeline, "validation")]["$ref"].rsplit("/", 1)[-1])
    made |= {"Reference": dict(REFERENCE), "Task": _task(refs)}
    top = {"$schema": DRAFT, "title": "dagfactory pipeline"}
    return {**top, **root, "definitions": {key: made[key] for key in sorted(made)}}


def _task(refs: dict[str, str]) -> Json:
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


def _definition(definition: Json, known: Json) -> Json:
    """Return a model's schema, its properties described and open to references."""
    properties = {
        key: _property(key, value, known) for key, value in definition.get("properties", {}).items()
    }
    made = {key: value for key, value in definition.items() if key != "title"}
    return made | ({"properties": properties} if properties else {})


def _property(key: str, value: Json, known: Json) -> Json:
    """Return the schema of a key, with a description that editors show."""
    if key == "tasks":
        return _tasks(value)
    target = known.get(value.get("$ref", "").rsplit("/", 1)[-1], {})
    fallback = "the type of the task" if key == "type" else target.get("description", "")
    described: Json = {"description": fallback, **value}
    return _open(described)


def _tasks(value: Json) -> Json:
    """Return the schema of a mapping of tasks, each with the keys of its own type."""
    (pattern,) = value["patternProperties"]
    names = {"propertyNames": {"pattern": pattern}, "additionalProperties": TASK}
    shown = {key: value[key] for key in ("description", "examples")}
    return {"type": "object", **shown, **names}


def _open(schema: Json) -> Json:
    """Allow a `${…}` reference wherever something other than text is expected, at any depth."""
    inner = {key: _inner(key, value) for key, value in schema.items() if key != "title"}
    if "patternProperties" in inner:
        inner.setdefault("additionalProperties", False)
    if not _closed(inner):
        return inner
    beside = {key: inner.pop(key) for key in _BESIDE if key in inner}
    choices = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {**beside, "anyOf": [*choices, {"$ref": "#/definitions/Reference"}]}


def _inner(key: str, value: Any) -> Any:
    """Open the schemas inside a schema."""
    if key == "anyOf":
        return [_open_choice(item) for item in value]
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return _open(value)
    if key == "patternProperties":
        return {pattern: _open(item) for pattern, item in value.items()}
    return value


def _open_choice(schema: Json) -> Json:
    """Open what is inside one of several choices; the reference is a choice beside it."""
    return {key: _inner(key, value) for key, value in schema.items() if key != "title"}


def _closed(schema: Json) -> bool:
    """Return whether a schema refuses a reference, because it wants something other than text."""
    if "const" in schema:
        return False
    if "anyOf" in schema:
        return not any(
            item.get("type") == "string" and "enum" not in item for item in schema["anyOf"]
        )
    return "$ref" in schema or "enum" in schema or schema.get("type", "string") != "string"
