"""Settings of the programs around Qwen3-VL; importable without torch."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trainer.settings import (
    Address,
    CheckpointSettings,
    LoopSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Positive,
    SelectionSettings,
    Settings,
    check_parts,
)


class ReadingSettings(Settings):
    """What both programs read, and how they answer."""

    data: Address = Field(description="directory or glob of JSON-lines shards")
    backbone: Address = Field(description="local directory of a Qwen3-VL, Hugging Face format")
    side: int = Field(
        default=512, ge=32, le=4096, description="pixels per side of what the backbone sees"
    )
    longest: Positive = Field(default=8, description="most tokens of a generated answer")
    precision: Literal["bfloat16", "float32"] = Field(
        default="bfloat16", description="number format of the backbone"
    )


class VlmSettings(
    ReadingSettings,
    SelectionSettings,
    ObjectiveSettings,
    OptimizerSettings,
    CheckpointSettings,
    LoopSettings,
):
    """`python -m trainer.vlm`: train the selection in front of a frozen Qwen3-VL."""

    epochs: Positive = Field(default=3, description="passes over the training questions")
    batch: Positive = Field(default=4, description="questions per step")
    limit: int | None = Field(default=None, ge=2, description="use only the first images")
    validation: float = Field(
        default=0.1, gt=0, lt=1, description="fraction of training images held for validation"
    )

    @model_validator(mode="after")
    def _every_part_has_questions(self) -> Self:
        check_parts(self.batch, self.accumulate)
        return self


class VlmEvaluateSettings(ReadingSettings):
    """`python -m trainer.vlm.evaluate`: measure a selection on the held-out images."""

    model: Address = Field(description="model directory that trainer.vlm wrote")
    batch: Positive = Field(default=8, description="questions per batch")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to compute")
