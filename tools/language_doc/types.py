"""Types and defaults of the models' fields in a reader's words."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from dagfactory.language.common import SpecModel
from dagfactory.language.duration import duration_text
from dagfactory.language.task import TaskBase

_PLAIN: dict[Any, str] = {
    Any: "any value",
    bool: "true or false",
    datetime: "[date](#dates-and-durations)",
    float: "number",
    int: "whole number",
    str: "text",
    timedelta: "[duration](#dates-and-durations)",
}
_SCALAR = {str, int, float, bool}


def expanded(
    key: str, field: FieldInfo, closed: Collection[type[SpecModel]]
) -> Iterator[tuple[str, FieldInfo]]:
    """Yield a field and those of the model it holds, by dotted keys; `closed` models hold none.

    A model inside itself is closed as well.
    """
    yield key, field
    model, suffix = _model_in(field.annotation)
    if model and model not in closed and not issubclass(model, TaskBase):
        model.model_rebuild()
        for name, inner in model.model_fields.items():
            below = f"{key}{suffix}.{inner.alias or name}"
            yield from expanded(below, inner, [*closed, model])


def type_words(field: FieldInfo, sections: Mapping[str, type[SpecModel]]) -> str:
    """Return the type of a field; models that have a section of their own are linked."""
    anchors = {model: name for name, model in sections.items()}
    metadata = [*field.metadata, *_metadata(field.annotation)]
    words = _words(field.annotation, anchors)
    if words == _PLAIN[int] and any(isinstance(each, WithJsonSchema) for each in metadata):
        words = _PLAIN[str]  # a number that is written with its unit
    bounds = _bounds(metadata)
    return f"{words}, {bounds}" if bounds else words


def shown_examples(field: FieldInfo) -> list[str]:
    """Return the examples of a field; for one without, those of its type (not of every duration)."""
    found = list(field.examples or ())
    if not found and _bare(field.annotation) is not timedelta:
        for each in [*field.metadata, *_annotations(field.annotation)]:
            if isinstance(each, FieldInfo):
                found += each.examples or []
            elif isinstance(each, WithJsonSchema) and each.json_schema:
                found += each.json_schema.get("examples", [])
    return [_code(each if isinstance(each, str) else json.dumps(each)) for each in found]


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def value_words(field: FieldInfo) -> str:
    """Return the default of a field as YAML would have it; nothing for none, empty and nested ones."""
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, BaseModel) or value in ([], {}):
        return ""
    if isinstance(value, datetime):
        return f"`{value.date()}`"
    if isinstance(value, timedelta):
        return f"`{duration_text(value)}`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _words(annotation: Any, anchors: Mapping[Any, str]) -> str:
    bare = _bare(annotation)
    if bare in _PLAIN:
        return _PLAIN[bare]
    if bare in anchors:
        return f"[{anchors[bare]}](#{anchors[bare]})"
    inner = get_args(bare)
    match get_origin(bare):
        case origin if origin is Literal:
            return ", ".join(f"`{each}`" for each in inner)
        case origin if origin is list:
            return f"list of {_plural(_words(inner[0], anchors))}"
        case origin if origin is dict:
            return f"mapping to {_words(inner[1], anchors)}"
        case origin if origin in (Union, UnionType):
            return _alternatives([each for each in inner if each is not NoneType], anchors)
    return "[task](#task)" if issubclass(bare, TaskBase) else "mapping"


def _plural(words: str) -> str:
    return (
        f"{words}s" if words in ("mapping", "number", "scalar", "text", "whole number") else words
    )


def _alternatives(options: list[Any], anchors: Mapping[Any, str]) -> str:
    """Return the words of a union; text, numbers and truth values together are a scalar."""
    plain = _SCALAR if set(options) >= _SCALAR else set()
    if float in options:
        plain = plain | {int}
    words = [_words(each, anchors) for each in options if each not in plain]
    return " or ".join(["scalar", *words] if plain >= _SCALAR else words)


def _bare(annotation: Any) -> Any:
    """Take off `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        rest = [each for each in get_args(annotation) if each is not NoneType]
        if len(rest) == 1:
            return _bare(rest[0])
    return annotation


def _model_in(annotation: Any) -> tuple[type[SpecModel] | None, str]:
    """Return the model that a field holds, and what stands between its key and the model's keys."""
    bare = _bare(annotation)
    if get_origin(bare) is list:
        return _model_in(get_args(bare)[0])[0], "[]"
    if get_origin(bare) is dict:
        return _model_in(get_args(bare)[1])[0], ".NAME"
    options = get_args(bare) if get_origin(bare) in (Union, UnionType) else (bare,)
    models = [each for each in options if isinstance(each, type) and issubclass(each, SpecModel)]
    return (models[0], "") if models else (None, "")


def _annotations(annotation: Any) -> Iterator[Any]:
    """Yield what an optional field's type is annotated with."""
    if get_origin(annotation) in (Union, UnionType):
        for each in get_args(annotation):
            yield from _annotations(each)
    elif get_origin(annotation) is Annotated:
        yield from get_args(annotation)[1:]


def _metadata(annotation: Any) -> Iterator[Any]:
    """Yield the constraints among what an optional field's type is annotated with."""
    for each in _annotations(annotation):
        yield from each.metadata if isinstance(each, FieldInfo) else [each]


def _bounds(metadata: Iterable[Any]) -> str:
    low = high = None
    for each in metadata:
        low = each.ge if isinstance(each, Ge) else low
        high = each.le if isinstance(each, Le) else high
        if isinstance(each, MinLen):
            return "not empty"
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"at least {low}" if low is not None else ""
