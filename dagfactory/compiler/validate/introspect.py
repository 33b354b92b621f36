"""What a model allows at a place: its keys and nested models, found through annotations."""

from __future__ import annotations

from inspect import get_annotations
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from dagfactory.diagnostics.span import KeyPath


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys allowed in the mapping at `path`, or an empty list where any are."""
    here = model_at(model, path)
    return [here.model_fields[name].alias or name for name in _own_first(here)] if here else []


def _own_first(model: type[BaseModel]) -> list[str]:
    """Return the names of a model's fields: its own before those that it shares with others."""
    # pydantic lists inherited fields first, and messages cut a long list after eight names
    order = [name for each in model.__mro__ for name in get_annotations(each)]
    return [name for name in dict.fromkeys(order) if name in model.model_fields]


def long_form(model: type[BaseModel], value: Any) -> dict[str, Any] | None:
    """Return the mapping that a bare value was meant for; of other keys it needs the value is None.

    It is the value of the first key that takes it, of those that must be there before the others.
    """
    fields = sorted(model.model_fields.items(), key=lambda each: not each[1].is_required())
    keys = [field.alias or name for name, field in fields]
    home = next((key for key in keys if _takes(model, key, value)), None)
    needed = [key for key in keys_at(model, ()) if key in required_at(model, ()) or key == home]
    return {key: value if key == home else None for key in needed} if home else None


def _takes(model: type[BaseModel], key: str, value: Any) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        # other keys are missing here, which says nothing about this one
        return all(each["loc"][:1] != (key,) for each in error.errors())
    return True


def required_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys that the mapping at `path` must have."""
    here = model_at(model, path)
    fields = here.model_fields.items() if here else ()
    return [field.alias or name for name, field in fields if field.is_required()]


def homes_of(model: type[BaseModel], path: KeyPath, key: str) -> list[str]:
    """Return the sibling keys of a misplaced `key` under which it would mean something."""
    here = model_at(model, path)
    below = ((name, model_at(here, (name,))) for name in here.model_fields) if here else ()
    return [name for name, found in below if found and key in found.model_fields]


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
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
