"""What a model allows at a place: its keys and nested models, found through annotations."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from dagfactory.node import Path


def keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys allowed in the mapping at `path`, or an empty list where any are."""
    here = model_at(model, path)
    return [field.alias or name for name, field in here.model_fields.items()] if here else []


def required_at(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the mapping at `path` must have."""
    here = model_at(model, path)
    fields = here.model_fields.items() if here else ()
    return [field.alias or name for name, field in fields if field.is_required()]


def homes_of(model: type[BaseModel], path: Path, key: str) -> list[str]:
    """Return the sibling keys of a misplaced `key` under which it would mean something."""
    here = model_at(model, path)
    below = ((name, model_at(here, (name,))) for name in here.model_fields) if here else ()
    return [name for name, found in below if found and key in found.model_fields]


def model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model that describes the mapping at `path`, or None."""
    annotation: Any = model
    for step in path:
        annotation = _below(annotation, step)
    found = _unwrapped(annotation)
    return next((each for each in found if _is_model(each)), None)


def _below(annotation: Any, step: str | int) -> Any:
    for each in _unwrapped(annotation):
        if _is_model(each):
            field = _field(each, step)
            if field is not None:
                return field
        elif get_origin(each) is list and isinstance(step, int):
            return get_args(each)[0]
        elif get_origin(each) is dict and isinstance(step, str):
            return get_args(each)[1]
    return None


def _field(model: type[BaseModel], name: str | int) -> Any:
    for own, field in model.model_fields.items():
        if name in {own, field.alias}:
            return field.annotation
    return None


def _unwrapped(annotation: Any) -> list[Any]:
    """Return the alternatives of an annotation without Annotated, unions, aliases and None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrapped(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return [found for each in get_args(annotation) for found in _unwrapped(each)]
    return [] if annotation in {None, NoneType} else [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
