"""The hyperparameters of a tuning job of Vertex AI, those too that only some trials have."""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from dagfactory.importers._ranges import counted, span, whole_grid
from dagfactory.importers._search import Search, literal
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

_STUDY = ("studySpec",)
_NUMBERS = {"doubleValueSpec": False, "integerValueSpec": True}
_LISTS = ("categoricalValueSpec", "discreteValueSpec")
_PARENTS = ("parentCategoricalValues", "parentDiscreteValues", "parentIntValues")
_SCALES = frozenset(
    ["", "SCALE_TYPE_UNSPECIFIED", "UNIT_LINEAR_SCALE", "UNIT_LOG_SCALE", "UNIT_REVERSE_LOG_SCALE"]
)
_RESERVED = frozenset({"params", "parameters", "true", "false"})
"""Names that mean something else in a condition."""


def fill_parameters(search: Search, method: str) -> None:
    """Set the hyperparameters; Vertex AI hands each over as `--name=value`, as a job here does."""
    made = CommentedMap()
    path = (*_STUDY, "parameters")
    for at, _ in enumerate(search.items(path)):
        _hyperparameter(search, (*path, at), method, made)
    if not search.items(path):
        search.broken(_STUDY, "it has no `parameters`")
    made.block_style = True
    search.sweep["parameters"] = made
    whole_grid(search, method, made, ("maxTrialCount",), "RANDOM_SEARCH")


def _hyperparameter(
    search: Search, path: KeyPath, method: str, made: CommentedMap, when: str = ""
) -> None:
    """Set a hyperparameter, and those that only some of its values have."""
    name = search.text((*path, "parameterId"))
    if not name:
        search.broken(path, "it has no `parameterId`")
        return
    if name in made:
        message = f"`{name}` is there twice, and a hyperparameter has one space here"
        search.refuse((*path, "parameterId"), message, "give each a name of its own")
        return
    space = _space(search, path, grid=method == "grid")
    if space is None:
        return
    made[name] = CommentedMap(space | ({"when": literal(when)} if when else {}))
    below = (*path, "conditionalParameterSpecs")
    for at, _ in enumerate(search.items(below)):
        condition = _condition(search, (*below, at), name, method)
        if condition:
            _hyperparameter(search, (*below, at, "parameterSpec"), method, made, condition)


def _condition(search: Search, path: KeyPath, parent: str, method: str) -> str:
    """Return a gate's expression for the values of a parent; empty, with a remark, where none is."""
    key = next((each for each in _PARENTS if search.root.find((*path, each))), "")
    if key == "parentIntValues" and method == "bayes":
        message = "a sweep that Vertex AI steers has no condition on a range"
        search.refuse((*path, key), message, "write the hyperparameter as `discreteValueSpec`")
        return ""
    values = [each.plain() for each in search.items((*path, key, "values"))] if key else []
    if not values:
        search.broken(path, "it says no values of the hyperparameter above")
        return ""
    return " or ".join(f"{_called(parent)} == {_constant(each)}" for each in values)


def _called(name: str) -> str:
    """Return a hyperparameter as a condition names it."""
    parts = name.split(".")
    plain = all(each.isascii() and each.isidentifier() and not iskeyword(each) for each in parts)
    if plain and parts[0] not in _RESERVED:
        return name
    return f"parameters[{name!r}]"


def _constant(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _space(search: Search, path: KeyPath, *, grid: bool) -> dict[str, Any] | None:
    """Return the values or the range of one hyperparameter; None, with a remark, for any other."""
    log = _is_log(search, path)
    for key in _LISTS:
        if search.root.find((*path, key)):
            return _listed(search, (*path, key, "values"))
    for key, whole in _NUMBERS.items():
        if search.root.find((*path, key)):
            made = span(search, (*path, key), ("minValue", "maxValue"), whole=whole, log=log)
            return _for_grid(search, (*path, key), made) if grid and made else made
    search.broken(path, "it says no values", "write for example `discreteValueSpec`")
    return None


def _is_log(search: Search, path: KeyPath) -> bool:
    name = search.text((*path, "scaleType")).upper()
    if name == "UNIT_REVERSE_LOG_SCALE":
        message = "a range is drawn from evenly, or by the logarithm of its values"
        search.refuse((*path, "scaleType"), message, "tune one minus the value")
    if name not in _SCALES:
        search.broken((*path, "scaleType"), "it is `UNIT_LINEAR_SCALE` or `UNIT_LOG_SCALE`")
    return name == "UNIT_LOG_SCALE"


def _listed(search: Search, path: KeyPath) -> dict[str, Any] | None:
    values = [literal(each.plain()) for each in search.items(path)]
    if not values:
        search.broken(path, "it has no values")
        return None
    return {"values": values}


def _for_grid(search: Search, path: KeyPath, made: dict[str, Any]) -> dict[str, Any] | None:
    if path[-1] == "doubleValueSpec":
        message = "how fine Vertex AI makes the grid of a range is not known"
        search.refuse(path, message, "list the numbers as `discreteValueSpec`")
        return None
    return counted(search, path, made, 1)
