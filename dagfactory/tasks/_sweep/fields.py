"""The fields of a sweep that are mappings of their own: spaces, halving, packs, the metric."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.language.common import SpecModel, bad, missing
from dagfactory.language.job import ArgumentName, Scalar

Number: TypeAlias = int | float
Method: TypeAlias = Literal["grid", "random", "sobol", "halving", "bayes"]


class Metric(SpecModel):
    """The metric that decides which trial is best."""

    name: str = Field(
        description="Name of the metric in `metrics.json`.", examples=["val_accuracy"]
    )
    goal: Literal["maximize", "minimize"] = Field(description="Which way is better.")


class Space(SpecModel):
    """What one hyperparameter can be: a list of values, or a range."""

    values: list[Scalar] | None = Field(default=None, description="Tried one by one.", min_length=1)
    min: Number | None = Field(
        default=None, description="Smallest value of a range, never an exponent.", examples=[1e-4]
    )
    max: Number | None = Field(
        default=None, description="Largest value of a range.", examples=[1e-2]
    )
    scale: Literal["linear", "log"] | None = Field(
        default=None, description="Whether a range is drawn from evenly or by order of magnitude."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Space:
        if self.values is not None:
            if (self.min, self.max, self.scale) != (None, None, None):
                raise bad("`values` and a range exclude each other", "keep one of them")
            return self
        if self.min is None and self.max is None:
            raise missing("values", "a hyperparameter has `values`, or `min` and `max`")
        self._check_range()
        return self

    def _check_range(self) -> None:
        if self.min is None or self.max is None:
            raise missing("max" if self.max is None else "min", "a range has both ends")
        if self.min >= self.max:
            raise bad(f"`min` {self.min} is not below `max` {self.max}", "swap them", ("min",))
        if self.scale == "log" and self.min <= 0:
            remedy = "write the values themselves, 0.0001 and not -4, or use `scale: linear`"
            raise bad("a logarithmic range begins above 0", remedy, ("min",))

    @property
    def definition(self) -> Any:
        """Return what the runtime draws from: a list, or a mapping of a range."""
        if self.values is not None:
            return self.values
        return self.model_dump(include={"min", "max", "scale"}, exclude_none=True)


class Halving(SpecModel):
    """Successive halving: all trials train a little, the better part of them longer, and so on."""

    argument: ArgumentName = Field(
        description="Argument that says how long a trial trains.", examples=["epochs"]
    )
    min: Number = Field(description="Its value in the first rung.", gt=0, examples=[1])
    max: Number = Field(description="Its largest value.", gt=0, examples=[9])
    eta: int = Field(
        default=3,
        ge=2,
        le=10,
        description="One of so many goes on, and trains so many times longer.",
    )
    carry: ArgumentName | None = Field(
        default=None,
        description="Argument that gets the model directory of the rung before.",
        examples=["from"],
    )

    @model_validator(mode="after")
    def _two_rungs(self) -> Halving:
        if self.min * self.eta > self.max:
            message = f"there is one rung only: {self.min} x {self.eta} is more than {self.max}"
            raise bad(message, f"`max` is at least {self.min * self.eta}", ("max",))
        return self


_Size = Annotated[int, Field(ge=2, le=256)]


class Pack(SpecModel):
    """How many trials train together, and in what they may differ."""

    trials: _Size = Field(description="Trials in a job, at most.", examples=[8])
    varying: list[ArgumentName] | None = Field(
        default=None,
        description="Hyperparameters in which the trials of a job may differ; dagfactory's own"
        " `trainer` says it by itself.",
    )


def _shape(value: Any) -> Any:
    """Take a number for a pack of that size."""
    return {"trials": value} if isinstance(value, int) and not isinstance(value, bool) else value


PackField = Annotated[Pack, BeforeValidator(_shape, json_schema_input_type=_Size | Pack)]
