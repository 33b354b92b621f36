"""The JSON Schema of the language, for editors (draft-07, which the YAML language server reads).

It describes a file before `${…}` is replaced: a reference can stand wherever a value is not text.
"""

from __future__ import annotations

import inspect
import json
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dagfactory import tasks
from dagfactory.language.environment import EnvironmentFile
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


KINDS = ("pipeline", "defaults", "environment")
"""The files that have a schema."""


def schema_text(kind: str = "pipeline") -> str:
    """Return the schema of a kind of file as JSON, ending in a line break."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"


def schema(kind: str = "pipeline") -> Json:
    """Return the schema of a kind of file: its keys, and per task the keys of its type."""
    pipeline = _complete(Pipeline)
    properties = pipeline["properties"]
    patch = _patch(properties)
    if kind == "defaults":
        made = _beside(properties)
    elif kind == "environment":
        made = _complete(EnvironmentFile)
        made["properties"]["pipeline"] |= patch
    else:
        (choice, _) = properties["environments"]["anyOf"]
        choice["patternProperties"] = dict.fromkeys(choice["patternProperties"], patch)
        made = pipeline
    return {"$schema": DRAFT, "title": f"dagfactory {kind}", **made}


def _beside(properties: Json) -> Json:
    """Return the schema of what pipelines have in common, none of it required, in words of theirs."""
    keys = {key: {"$ref": f"pipeline.schema.json#/properties/{key}"} for key in properties}
    return {"type": "object", "additionalProperties": False, "properties": keys}


def _patch(properties: Json) -> Json:
    """Return the schema of a patch: the keys, for what is below them may be partial or null."""
    described = {key: {"description": each["description"]} for key, each in properties.items()}
    return {"type": ["object", "null"], "properties": described, "additionalProperties": False}


def _complete(model: type[BaseModel]) -> Json:
    """Return the schema of a model with the definitions that it needs."""
    types = {name: tasks.task_type(name).model for name in tasks.types()}
    models = [model, *(types.values() if model is Pipeline else ())]
    for each in models:
        each.model_rebuild()
    wanted = [(each, "validation") for each in models]
    found, definitions = models_json_schema(wanted, ref_template="#/definitions/{model}")  # type: ignore[arg-type]
    known = definitions["$defs"]
    made = {key: _definition(known[key], known) for key in sorted(known)}
    root = made.pop(_name(found[(model, "validation")]))
    made["Reference"] = dict(REFERENCE)
    if model is Pipeline:
        made["Task"] = _task({name: _name(found[(types[name], "validation")]) for name in types})
    return {**root, "definitions": {key: made[key] for key in sorted(made)}}


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rsplit("/", 1)[-1]


def _task(names: dict[str, str]) -> Json:
    """Return the schema of any task: `type` first, then the keys of that type."""
    summaries = [inspect.getdoc(tasks.task_type(each).model) or "" for each in sorted(names)]
    told = {"description": "what the task does", "enumDescriptions": summaries}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(names), **told}},
        # without `required`, a task without a type would miss the keys of every type
        "allOf": [
            {
                "if": {"properties": {"type": {"const": each}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/{model}"},
            }
            for each, model in sorted(names.items())
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
    target = known.get(_name({"$ref": "", **value}), {})
    fallback = "the type of the task" if key == "type" else target.get("description", "")
    described: Json = {"description": fallback, **value}
    # an editor would write them out, the language server a mapping in a list as [object Object]
    if described.get("default", ...) is None:
        del described["default"]
    if any(_holds_mappings(each) for each in described.get("examples", ())):
        del described["examples"]
    return _open(described)


def _holds_mappings(example: Any) -> bool:
    return isinstance(example, list) and any(isinstance(each, dict) for each in example)


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
