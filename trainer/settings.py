"""Every setting of every trainer program, as models: one file that needs only pydantic.

The compiler reads this file by its location, without the rest of the trainer, to check arguments
before a machine is paid for.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

BUILT_IN = "sort-of-clevr"  # a name in place of an address of textures
Address = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Every = Annotated[int, BeforeValidator(lambda value: 0 if value == "auto" else value), Field(ge=0)]


class Settings(BaseModel):
    """What every program takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    output: Address | None = Field(
        default=None, description="base directory where AIP_MODEL_DIR is not set"
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="seed of every random choice")
    threads: Positive = Field(default=1, description="CPU threads of torch; part of the result")


class DataSettings(Settings):
    """`python -m trainer.data`: generate Sort-of-CLEVR."""

    images: Positive = Field(default=2000, description="training images")
    held_out: Positive = Field(default=200, description="held-out images")
    shard: Positive = Field(default=500, description="images per shard file")


class TexturesSettings(Settings):
    """`python -m trainer.textures`: images and questions into tensors."""

    stage: Literal["textures"] = Field(default="textures", description="always textures")
    input: Address = Field(description="directory or glob of JSON-lines shards")
    grid: int = Field(default=15, ge=4, le=64, description="patches per image side")
    coarse: int | None = Field(
        default=None, ge=1, le=64, description="pixels per side of the coarse image; grid if absent"
    )


class SelectionSettings(BaseModel):
    """How patches are chosen and what budgets they get."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    width: int = Field(default=48, ge=8, le=1024, description="width of queries and patch tokens")
    keep: Positive = Field(default=64, description="patches kept per question (top-K)")
    budget_total: Positive = Field(default=12_000, description="most tokens per question")
    ablate: Literal[
        "none", "propositional", "perspectival", "participatory", "budgets", "opponent", "spread"
    ] = Field(default="none", description="part of the network to leave without influence")


class ModelSettings(SelectionSettings):
    """The shape of the network and of its token budgets."""

    network: Literal["arr_coc", "attention", "relation"] = Field(
        default="arr_coc", description="ARR-COC, or one of the two it is compared with"
    )
    keep: Positive = Field(default=36, description="patches kept per question (top-K)")
    budget_total: Positive = Field(default=6_600, description="most tokens per question")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads per glimpse")
    glimpses: int = Field(default=2, ge=1, le=8, description="rounds of attention")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout in the answer head")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} does not divide into heads={self.heads}")
        return self


class ObjectiveSettings(BaseModel):
    """What is minimised."""

    relevance_weight: Rate = Field(default=1.0, description="weight of the relevance loss")
    budget_weight: Rate = Field(default=0.1, description="weight of the budget loss")
    budget_target: float = Field(default=160, ge=64, le=400, description="wanted mean budget")


class OptimizerSettings(BaseModel):
    """How weights move."""

    learning_rate: float = Field(default=2e-3, gt=0, allow_inf_nan=False, description="peak rate")
    weight_decay: Rate = Field(default=0.01, description="AdamW weight decay")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="AdamW: decay of the mean gradient")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="AdamW: decay of its mean square")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="fraction of steps warming up")
    clip: float = Field(default=1.0, gt=0, description="largest gradient norm")
    accumulate: Positive = Field(
        default=1, description="parts in which a process computes its images, to save memory"
    )


def check_parts(batch: int, accumulate: int, processes: int = 1) -> None:
    """Raise ValueError where a step has more parts than samples."""
    if accumulate * processes > batch:
        times = f" times processes={processes}" if processes > 1 else ""
        raise ValueError(f"accumulate={accumulate}{times} is more than batch={batch}")


class CheckpointSettings(BaseModel):
    """When the state is saved and how much of it is kept."""

    checkpoint_every: Every = Field(
        default=100, description="steps between checkpoints; auto or 0: from save time and mtbi"
    )
    mtbi: Seconds = Field(default=3600, description="mean seconds between interruptions, for auto")
    keep_checkpoints: Positive = Field(default=2, description="newest checkpoints kept")
    export: Literal["best", "last"] = Field(
        default="last", description="checkpoint whose weights become the model"
    )


class ComputeSettings(BaseModel):
    """How a step is computed, and by how many processes."""

    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of matrix products; weights and losses stay float32"
    )
    compile: bool = Field(default=False, description="compile the network (torch.compile)")
    processes: Every = Field(
        default=0, description="on each machine; auto or 0: one per GPU, one without"
    )
    parallel: Literal["ddp", "fsdp"] = Field(
        default="ddp", description="several processes replicate (ddp) or shard (fsdp) the model"
    )


class LoopSettings(BaseModel):
    """Where the loop computes, when it ends and what it prints."""

    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to compute")
    max_seconds: Seconds | None = Field(
        default=None,
        description="save and leave with 75 so many seconds after the start of the program",
    )
    patience: int | None = Field(
        default=None, ge=1, description="stop after so many epochs without a better score"
    )
    log_every: Positive = Field(default=20, description="steps between progress lines")


class TrainSettings(
    Settings,
    ModelSettings,
    ObjectiveSettings,
    OptimizerSettings,
    CheckpointSettings,
    ComputeSettings,
    LoopSettings,
):
    """`python -m trainer`: one training stage; of several trials at once with `--trials=JSON`."""

    stage: Literal["relevance", "answer", "hard"] = Field(
        default="answer",
        description="relevance: scorers first; answer: everything; hard: wrong answers count double",
    )
    textures: Address = Field(
        description="output directory of the textures stage, or sort-of-clevr: built-in data"
    )
    from_: Address | None = Field(
        default=None, alias="from", description="model directory or checkpoint to start from"
    )
    epochs: Positive = Field(default=5, description="passes over the training images")
    batch: Positive = Field(default=8, description="images per step, of all processes")
    limit: int | None = Field(default=None, ge=2, description="use only the first training images")
    validation: float = Field(
        default=0.1, gt=0, lt=1, description="fraction of training images held for val_accuracy"
    )

    @property
    def hard(self) -> bool:
        """Whether wrong answers count double."""
        return self.stage == "hard"

    @model_validator(mode="after")
    def _only_a_selection_has_relevance(self) -> Self:
        if self.stage == "relevance" and self.network != "arr_coc":
            raise ValueError(f"network={self.network} selects nothing: it has no stage relevance")
        return self

    @model_validator(mode="after")
    def _every_part_has_images(self) -> Self:
        check_parts(self.batch, self.accumulate, max(self.processes, 1))
        return self


class EvaluateSettings(Settings):
    """`python -m trainer.evaluate`: measure a model on the held-out images."""

    model: Address = Field(description="model directory of a training stage")
    textures: Address = Field(description="output directory of the textures stage")
    batch: Positive = Field(default=50, description="images per batch")
    pictures: int = Field(
        default=4, ge=0, le=50, description="held-out images drawn into relevance.png"
    )
    least_recall: float = Field(
        default=0.8, ge=0, le=1, description="least recall_at_k of a valid relevance"
    )
    least_distinctness: float = Field(
        default=0.05, ge=0, le=1, description="least query_distinctness of a valid relevance"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to compute")


class VqaSettings(Settings):
    """`python -m trainer.vqa`: VQAv2 files into the exchange format."""

    input: Address = Field(description="directory of VQAv2 files and image folders")
    train: str = Field(
        default="train2014", min_length=1, description="data subset that becomes split train"
    )
    held_out: str = Field(
        default="val2014", min_length=1, description="data subset that becomes split held_out"
    )
    side: int = Field(
        default=256, ge=16, le=4096, description="pixels per side that images are resized to"
    )
    questions: Positive = Field(
        default=1, description="questions per line; an image with more becomes several lines"
    )
    shard: Positive = Field(default=500, description="lines per shard file")


class VqaExportSettings(Settings):
    """`python -m trainer.vqa_export`: the exchange format into VQAv2 files."""

    input: Address = Field(description="directory or glob of JSON-lines shards")


class ReadingSettings(Settings):
    """What both programs of `trainer.vlm` read, and how they answer."""

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


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class PackSettings(BaseModel):
    """`python -m trainer --trials=…`: several trials, trained together."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    trials: dict[Name, dict[str, Any]] = Field(
        min_length=1, description="settings of each trial by its name, as JSON"
    )
    pack: Positive | None = Field(
        default=None, description="trials trained at the same time; all of them if absent"
    )


PROGRAMS: dict[str, type[Settings]] = {
    "trainer": TrainSettings,
    "trainer.data": DataSettings,
    "trainer.textures": TexturesSettings,
    "trainer.evaluate": EvaluateSettings,
    "trainer.vqa": VqaSettings,
    "trainer.vqa_export": VqaExportSettings,
    "trainer.vlm": VlmSettings,
    "trainer.vlm.evaluate": VlmEvaluateSettings,
}

VARYING = (
    "seed",
    "learning_rate",
    "weight_decay",
    "beta1",
    "beta2",
    "warmup",
    "clip",
    "relevance_weight",
    "budget_weight",
    "budget_target",
    "dropout",
    "from",
    "patience",
)
"""Settings in which the trials of a pack may differ."""

SHAPE = (
    "stage",
    "textures",
    "epochs",
    "batch",
    "limit",
    "validation",
    "width",
    "heads",
    "glimpses",
    "keep",
    "budget_total",
    "ablate",
    "device",
    "threads",
    "checkpoint_every",
    "mtbi",
    "keep_checkpoints",
    "max_seconds",
    "log_every",
)
"""Settings that a pack heeds and that are equal in all its trials.

One that is in neither list keeps its default: it is not known to mean the same in a pack.
"""
