"""The fields of a sweep that are mappings of their own: the metric, halving, packs, early stopping."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.language.common import SpecModel, bad
from dagfactory.language.job import ArgumentName
from dagfactory.tasks._sweep.space import Number

Method: TypeAlias = Literal["grid", "random", "sobol", "halving", "bayes"]


class Metric(SpecModel):
    """The metric that decides which trial is best."""

    name: str = Field(
        description="Name of the metric in `metrics.json`.", examples=["val_accuracy"]
    )
    goal: Literal["maximize", "minimize"] = Field(description="Which way is better.")


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


class EarlyStopping(SpecModel):
    """How Vertex AI's study ends trials that are not worth going on."""

    rule: Literal["median", "decay_curve", "convex"] = Field(
        description="`median`: worse than half of the others so far; `decay_curve` and `convex`:"
        " the curve so far leads to nothing better.",
        examples=["median"],
    )
    by: Literal["steps", "seconds"] = Field(
        default="steps", description="What the curves of trials are compared by."
    )
    max_steps: int | None = Field(
        default=None, ge=1, description="Of `convex`: steps, or seconds, of a whole trial."
    )
    min_steps: int | None = Field(
        default=None, ge=0, description="Of `convex`: no trial ends before so many."
    )
    min_measurements: int | None = Field(
        default=None,
        ge=1,
        description="Of `convex`: no trial ends before it has reported so often.",
    )
    learning_rate: ArgumentName | None = Field(
        default=None, description="Of `convex`: the hyperparameter that is the learning rate."
    )

    @model_validator(mode="after")
    def _of_convex(self) -> EarlyStopping:
        for name in ("max_steps", "min_steps", "min_measurements", "learning_rate"):
            if self.rule != "convex" and getattr(self, name) is not None:
                raise bad(f"`{name}` means nothing to `rule: {self.rule}`", "delete it", (name,))
        return self


_Rule = Literal["median", "decay_curve", "convex"]
EarlyStoppingField = Annotated[
    EarlyStopping,
    BeforeValidator(
        lambda value: {"rule": value} if isinstance(value, str) else value,
        json_schema_input_type=_Rule | EarlyStopping,
    ),
]
