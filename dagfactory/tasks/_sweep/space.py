"""What a hyperparameter can be, and under which condition a trial has it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from dagfactory.diagnostics.span import KeyPath
from dagfactory.language.common import SpecModel, bad, missing, wrong_type
from dagfactory.language.condition import Expression, GateSyntaxError, parse
from dagfactory.language.job import ArgumentName, ArgumentValue
from dagfactory.runtime import sampling

Number: TypeAlias = int | float


_SHOWN = 60  # characters of a value that a help repeats

MOST_LISTED = 100_000
"""Steps of a range that are written out to be looked at one by one."""


def expression(condition: str) -> Expression:
    """Return a condition over hyperparameters as data; raises GateSyntaxError."""
    return parse(condition, "parameters")


def _readable(condition: str) -> str:
    try:
        expression(condition)
    except GateSyntaxError as error:
        raise bad(error.message, error.help, part=(error.start, error.end)) from None
    return condition


def _listed(given: Any) -> str:
    text = json.dumps(given if isinstance(given, list) else [given], ensure_ascii=False)
    return text if len(text) <= _SHOWN else "[...]"


Condition = Annotated[str, AfterValidator(_readable)]
"""A gate's expression over hyperparameters."""


class Space(SpecModel):
    """What one hyperparameter can be: a list of values, or a range; or several below one name."""

    values: list[ArgumentValue] | None = Field(
        default=None, description="Tried one by one; a list is one value.", min_length=1
    )
    min: Number | None = Field(
        default=None, description="Smallest value of a range, never an exponent.", examples=[1e-4]
    )
    max: Number | None = Field(
        default=None, description="Largest value of a range.", examples=[1e-2]
    )
    scale: Literal["linear", "log"] | None = Field(
        default=None, description="Whether a range is drawn from evenly or by order of magnitude."
    )
    step: Number | None = Field(
        default=None,
        gt=0,
        description="Only `min`, `min + step`, `min + 2 step` and so on up to `max`.",
        examples=[32],
    )
    when: Condition | None = Field(
        default=None,
        description="Only trials in which this holds have the hyperparameter: a gate's expression"
        " over others.",
        examples=["optimizer == 'sgd'"],
    )
    parameters: dict[ArgumentName, Space] | None = Field(
        default=None,
        description="Hyperparameters below this name: `model.width`.",
        min_length=1,
        examples=[{"width": {"values": [32, 64]}}],
    )

    @model_validator(mode="before")
    @classmethod
    def _no_bare_value(cls, given: Any) -> Any:
        if given is None or isinstance(given, dict | Space):
            return given
        raise wrong_type("`values`, or `min` and `max`", f"write `{{values: {_listed(given)}}}`")

    @model_validator(mode="after")
    def _one_of_three(self) -> Space:
        kinds = {
            "parameters": self.parameters is not None,
            "values": self.values is not None,
            "a range": (self.min, self.max, self.scale, self.step) != (None, None, None, None),
        }
        given = [name if " " in name else f"`{name}`" for name, there in kinds.items() if there]
        if len(given) > 1:
            raise bad(f"{' and '.join(given[:2])} exclude each other", "keep one of them")
        if self.parameters is not None and self.when is not None:
            raise bad("a name above others has no `when`", "give it to each of them", ("when",))
        if not given or (kinds["a range"] and self.min is None and self.max is None):
            raise missing("values", "a hyperparameter has `values`, or `min` and `max`")
        if kinds["a range"]:
            self._check_range()
        return self

    def _check_range(self) -> None:
        if self.min is None or self.max is None:
            raise missing("max" if self.max is None else "min", "a range has both ends")
        _check_ends(self.min, self.max)
        if self.min >= self.max:
            raise bad(f"`min` {self.min} is not below `max` {self.max}", "swap them", ("min",))
        if self.scale == "log" and self.min <= 0:
            remedy = "write the values themselves, 0.0001 and not -4, or use `scale: linear`"
            raise bad("a logarithmic range begins above 0", remedy, ("min",))
        if self.step is not None:
            self._check_step(self.max - self.min, self.step)

    def _check_step(self, width: Number, step: Number) -> None:
        if not math.isfinite(width / step):
            raise bad("the range has too many steps", "make `step` larger", ("step",))
        # as they are counted: 0.3 - 0.2 is a little below 0.1
        if sampling.possible(self.definition) <= 1:
            raise bad("the range has no room for a step", f"`step` is at most {width:g}", ("step",))

    @property
    def definition(self) -> Any:
        """Return what the runtime draws from: a list, or a mapping of a range."""
        if self.values is not None:
            return self.values
        return self.model_dump(include={"min", "max", "scale", "step"}, exclude_none=True)

    @property
    def size(self) -> int | None:
        """Return how many values there are, None for a range without steps."""
        if self.values is None and self.step is None:
            return None
        return int(sampling.possible(self.definition))

    @property
    def listed(self) -> list[Any] | None:
        """Return all values; None for a range without steps, or with more than anybody would list."""
        if self.size is None or self.size > MOST_LISTED:
            return None
        return sampling.listed(self.definition)


def _check_ends(low: Number, high: Number) -> None:
    for name, end in (("min", low), ("max", high)):
        if not math.isfinite(end):
            raise bad(f"`{name}` {end} is not a finite number", "write a number", (name,))
    if not math.isfinite(float(high) - float(low)):
        raise bad("the range is too wide for a number", "move its ends", ("max",))


class Hyperparameter(NamedTuple):
    """What a hyperparameter can be, and where that stands below the task."""

    space: Space
    path: KeyPath


def flat(
    parameters: Mapping[str, Space], above: str = "", path: KeyPath = ("parameters",)
) -> Iterator[tuple[str, Hyperparameter]]:
    """Yield every hyperparameter by its whole name."""
    for key, space in parameters.items():
        name, here = f"{above}{key}", (*path, key)
        if space.parameters is None:
            yield name, Hyperparameter(space, here)
        else:
            yield from flat(space.parameters, f"{name}.", (*here, "parameters"))
