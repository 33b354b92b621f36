"""Parameters chosen when a run is triggered; the keys are those of JSON Schema, as in Airflow."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import SpecModel, Text, bad
from dagfactory.language.regex import fails, pattern_problem

ParamType = Literal["string", "number", "integer", "boolean", "array", "object", "any"]
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "any": (object,),
}
_BOUNDS = {
    "minimum": ("number", "integer"),
    "maximum": ("number", "integer"),
    "pattern": ("string",),
}


class Param(SpecModel):
    """One parameter: its type, default and bounds."""

    type: ParamType = Field(description="type of the value")
    default: Any = Field(
        None, description="value when none is given; without one the value is null"
    )
    minimum: int | float | None = Field(None, description="smallest number")
    maximum: int | float | None = Field(None, description="largest number")
    enum: list[Any] | None = Field(None, description="the only values allowed", min_length=1)
    pattern: Text | None = Field(None, description="regular expression a text must match")
    title: Text | None = Field(None, description="name shown in the trigger form")
    description: Text | None = Field(None, description="explanation shown in the trigger form")

    @model_validator(mode="after")
    def _default_fits(self) -> Param:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise bad("`minimum` is above `maximum`", at=("minimum",))
        self._check_bounds()
        self._check_pattern()
        if self.default is not None:
            self._check(self.default, ("default",))
        for index, value in enumerate(self.enum or []):
            self._check_type(value, ("enum", index))
        return self

    def problem(self, value: Any) -> str | None:
        """Say why a run cannot have this value, or return None."""
        # Airflow lets a param be null that has no default
        if value is None and self.default is None:
            return None
        try:
            self._check(value, ())
        except PydanticCustomError as error:
            return str(error.context["message"] if error.context else error)
        return None

    def _check_bounds(self) -> None:
        """Refuse bounds of a type that has none: they would never be looked at."""
        for key, types in _BOUNDS.items():
            bound = getattr(self, key)
            if bound is not None and self.type not in types:
                raise bad(f"`{key}` says nothing about a value of `type: {self.type}`", at=(key,))
            if isinstance(bound, float) and not math.isfinite(bound):
                raise bad("a number must be finite", at=(key,))

    def _check_pattern(self) -> None:
        problem = pattern_problem(self.pattern or "")
        if problem:
            text = shorten(str(self.pattern))
            raise bad(f"`{text}` is not a regular expression", problem, at=("pattern",))

    def _check(self, value: Any, at: tuple[str | int, ...]) -> None:
        self._check_type(value, at)
        if self.enum is not None and value not in self.enum:
            raise bad(f"`{shorten(str(value))}` is not among the values of `enum`", at=at)
        if self.minimum is not None and value < self.minimum:
            raise bad(f"{value} is below the minimum of {self.minimum}", at=at)
        if self.maximum is not None and value > self.maximum:
            raise bad(f"{value} is above the maximum of {self.maximum}", at=at)
        if self.pattern is not None and fails(self.pattern, value):
            raise bad(f"`{shorten(str(value))}` does not match `pattern`", at=at)

    def _check_type(self, value: Any, at: tuple[str | int, ...]) -> None:
        fits = isinstance(value, _TYPES[self.type])
        if not fits or (isinstance(value, bool) and self.type not in ("boolean", "any")):
            raise bad(f"`{shorten(str(value))}` does not fit `type: {self.type}`", at=at)
        if isinstance(value, float) and not math.isfinite(value):
            raise bad("a number must be finite", at=at)
