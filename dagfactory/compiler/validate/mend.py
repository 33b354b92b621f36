"""A pipeline or an environment with mistakes, without them: so everything else in it is looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from dagfactory.compiler.validate.errors import LeftOut, diagnose, left_out
from dagfactory.diagnostics.wording import closest
from dagfactory.language.environment import EnvironmentFile
from dagfactory.language.pipeline import Pipeline
from dagfactory.language.usage import Usage

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.document.node import Node

_Model = TypeVar("_Model", bound=BaseModel)

_ROUNDS = 8
_NEEDED: Mapping[type[BaseModel], Mapping[str, Any]] = {
    Pipeline: {"pipeline": "pipeline", "tasks": {}, "start_date": "2024-01-01"},
    EnvironmentFile: {
        "environment": "environment",
        "project": "project-1",
        "region": "us-central1",
        "bucket": "gs://bucket",
    },
    Usage: {},
}
"""What takes the place of a key that has to be there."""

_NO_REGION = {"region": ""}
_NAMED: Mapping[str, Any] = {
    # one of known values, or it would be said that it may hold anything
    "params": {"type": "array", "enum": [[]]},
    "pools": {"slots": 1_000_000},
}
"""What takes the place of an entry that others name."""

# of an image or a machine that is wrong nothing is to be said at each job
_SOME_JOB = {"image": "image:1", "machine": {"type": "a-${any}"}}


def mended(
    model: type[_Model], data: dict[str, Any], node: Node, error: ValidationError
) -> tuple[_Model, list[Diagnostic]]:
    """Return the model of some data without its mistakes, which `error` begins to list, and all of these.

    A check of a whole mapping is made when all its values are right, so it needs another look.
    """
    found = diagnose(error, model, node)
    wrong = LeftOut()
    named: set[KeyPath] = set()
    for _ in range(_ROUNDS):
        more = left_out(error, node)
        for path in more.paths:
            take_out(data, path, _NEEDED[model])
        _stand_in(data, more.paths, named)
        paths = {*wrong.paths, *more.paths}
        wrong = LeftOut(paths, wrong.whole or more.whole, wrong.many or more.many)
        try:
            return _unknown(model.model_validate(data), wrong.paths), found
        except ValidationError as next_error:
            found += diagnose(next_error, model, node, (), wrong)
            error = next_error
    least = model.model_validate(dict(_NEEDED[model]))
    return _unknown(least, {("region",), ("pools",)}), found


def with_some_job(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a pipeline with an image and a machine for jobs that have none."""
    given = data.get("defaults")
    own = given if isinstance(given, dict) else {}
    return {**data, "defaults": {**_SOME_JOB, **own}} if given is own or not given else data


def take_out(
    data: dict[str, Any], path: KeyPath, needed: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Take out the value at a path, or what lacks it; what has to be there is put in its place."""
    if len(path) == 1:
        data.pop(str(path[0]), None)
    if len(path) == 1 and path[0] in needed:
        data[str(path[0])] = needed[str(path[0])]
    if len(path) > 1:
        *above, last = path
        holder: Any = data
        for step in above:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and last in holder:
            del holder[last]
        else:
            take_out(data, tuple(above), needed)


def _stand_in(data: dict[str, Any], paths: Iterable[KeyPath], named: set[KeyPath]) -> None:
    """Keep the names of params and pools that are wrong, and say that jobs have what they need."""
    for path in paths:
        if path and closest(str(path[0]), ["defaults"], 1):
            data.update(with_some_job(data))
        entries = data.get(str(path[0]), {}) if path and path[0] in _NAMED else None
        # what is wrong with its stand-in as well has a name that is wrong
        if isinstance(entries, dict) and len(path) > 1 and path[:2] not in named:
            key, name, *_ = map(str, path)
            if name not in entries:
                named.add(path[:2])
            data[key] = {name: _NAMED[key], **entries}


def _unknown(made: _Model, wrong: Collection[KeyPath]) -> _Model:
    """Say of an environment what is not known of it."""
    if not isinstance(made, EnvironmentFile):
        return made
    # no list of prices has a region without a name
    placed = made.model_copy(update=_NO_REGION) if ("region",) in wrong else made
    unlisted = any(len(each) == 1 and closest(str(each[0]), ["pools"], 1) for each in wrong)
    # mypy takes the narrowed type for another one
    return cast("_Model", placed.without_pools() if unlisted else placed)
