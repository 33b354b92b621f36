"""`validate_checkpoint`: refuse a checkpoint that is incomplete, damaged or not good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import SpecModel
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Requirements(SpecModel):
    """What a checkpoint must be; every failed check is reported, not only the first."""

    states: list[str] = Field(
        default_factory=list,
        description="Parts that must be in it, finite.",
        examples=[["propositional", "perspectival"]],
    )
    max_loss: float | None = Field(default=None, description="Largest allowed loss.")
    min_step: int | None = Field(default=None, ge=0, description="Fewest training steps.")
    complete: bool = Field(default=True, description="Training must have reached its last step.")
    verify: Literal["sha256", "size"] = Field(
        default="sha256", description="How files are compared with the checkpoint's manifest."
    )


class ValidateCheckpoint(TaskBase):
    """Check the newest checkpoint of a job against its manifest and your requirements."""

    type: Literal["validate_checkpoint"]
    checkpoint: Address = Field(
        description="Address of a checkpoint directory.", examples=["${tasks.train.checkpoint}"]
    )
    require: Requirements = Field(
        default_factory=Requirements,
        description="What the checkpoint must be.",
        examples=[{"max_loss": 10.0, "complete": True}],
    )


def outputs(_task: ValidateCheckpoint, context: TaskContext) -> dict[str, str]:
    """Offer the address of the checkpoint that passed, its step and its loss."""
    return {name: context.xcom(name) for name in ("checkpoint", "step", "loss")}


def lower(task: ValidateCheckpoint, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the validating operator."""
    require: dict[str, Any] = task.require.model_dump(exclude_none=True)
    arguments = {
        "checkpoint": task.checkpoint,
        "require": {key: value for key, value in require.items() if value != []},
        **operator_arguments(task, lowering),
    }
    return context.operator(lowering.runtime("checkpoint", "ValidateCheckpointOperator"), arguments)


TASK_TYPE = TaskType(ValidateCheckpoint, lower, outputs=outputs)
