"""Every setting of every trainer program; importable without torch.

`read_values` and `build` serve the programs themselves; `check(program, values)` serves whoever
wants to know, before a machine is paid for, whether the settings would be accepted.
"""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from trainer.errors import UsageError

BUILT_IN = "sort-of-clevr"  # a name in place of an address of textures
Address = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Every = Annotated[int, BeforeValidator(lambda value: 0 if value == "auto" else value), Field(ge=0)]


class Settings(BaseModel):
    """What every program takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

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


class ModelSettings(BaseModel):
    """The shape of the network and of its token budgets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(default=48, ge=8, le=1024, description="width of queries and patch tokens")
    heads: int = Field(default=4, ge=1, le=64, description="attention heads per glimpse")
    glimpses: int = Field(default=2, ge=1, le=8, description="rounds of attention")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout in the answer head")
    keep: Positive = Field(default=64, description="patches kept per question (top-K)")
    budget_total: Positive = Field(default=12_000, description="most tokens per question")
    ablate: Literal[
        "none", "propositional", "perspectival", "participatory", "budgets", "opponent"
    ] = Field(default="none", description="part of the network to leave without influence")

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width={self.width} does not divide into heads={self.heads}")
        return self


class TrainSettings(Settings, ModelSettings):
    """`python -m trainer`: one training stage."""

    stage: Literal["relevance", "answer"] = Field(
        default="answer", description="relevance: scorers first; answer: everything"
    )
    textures: Address = Field(
        description="output directory of the textures stage, or sort-of-clevr: built-in data"
    )
    from_: Address | None = Field(
        default=None, alias="from", description="model directory to start from"
    )
    epochs: Positive = Field(default=5, description="passes over the training images")
    batch: Positive = Field(default=8, description="images per step")
    limit: int | None = Field(default=None, ge=2, description="use only the first training images")
    learning_rate: float = Field(default=2e-3, gt=0, allow_inf_nan=False, description="peak rate")
    weight_decay: Rate = Field(default=0.01, description="AdamW weight decay")
    warmup: float = Field(default=0.1, ge=0, lt=1, description="fraction of steps warming up")
    clip: float = Field(default=1.0, gt=0, description="largest gradient norm")
    relevance_weight: Rate = Field(default=1.0, description="weight of the relevance loss")
    budget_weight: Rate = Field(default=0.1, description="weight of the budget loss")
    budget_target: float = Field(default=160, ge=64, le=400, description="wanted mean budget")
    validation: float = Field(
        default=0.1, gt=0, lt=1, description="fraction of training images held for val_accuracy"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to compute")
    checkpoint_every: Every = Field(
        default=100, description="steps between checkpoints; auto or 0: from save time and mtbi"
    )
    mtbi: Seconds = Field(default=3600, description="mean seconds between interruptions, for auto")
    max_seconds: Seconds | None = Field(
        default=None, description="save and leave with 75 after so many seconds of training"
    )
    patience: int | None = Field(
        default=None, ge=1, description="stop after so many epochs without a better score"
    )
    keep_checkpoints: Positive = Field(default=2, description="newest checkpoints kept")
    log_every: Positive = Field(default=20, description="steps between progress lines")


class EvaluateSettings(Settings):
    """`python -m trainer.evaluate`: measure a model on the held-out images."""

    model: Address = Field(description="model directory of a training stage")
    textures: Address = Field(description="output directory of the textures stage")
    batch: Positive = Field(default=50, description="images per batch")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where to compute")


PROGRAMS: dict[str, type[Settings]] = {
    "trainer": TrainSettings,
    "trainer.data": DataSettings,
    "trainer.textures": TexturesSettings,
    "trainer.evaluate": EvaluateSettings,
}


Kind = TypeVar("Kind", bound=Settings)


def check(program: str, values: Mapping[str, object]) -> Settings:
    """Validate the settings of a program; raise UsageError with one line on a mistake."""
    textures = program == "trainer" and values.get("stage") == "textures"
    return build(TexturesSettings if textures else PROGRAMS[program], values)


def build(kind: type[Kind], values: Mapping[str, object]) -> Kind:
    """Validate settings of one kind; raise UsageError with one line for the first mistake."""
    known = [field.alias or name for name, field in kind.model_fields.items()]
    for key in values:
        if key not in known:
            raise UsageError(_unknown(key, known))
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise UsageError(_first_mistake(error)) from None


def parse(kind: type[Kind], argv: Sequence[str]) -> Kind:
    """Read settings of one kind from the command line; `--help` lists them and leaves."""
    if asks_for_help(argv):
        from trainer.help import describe

        print(describe(kind))
        raise SystemExit(0)
    return build(kind, read_values(argv))


def asks_for_help(argv: Sequence[str]) -> bool:
    """Whether `--help` or `-h` is among the arguments."""
    return "--help" in argv or "-h" in argv


def read_values(argv: Sequence[str]) -> dict[str, object]:
    """Read `--config FILE`, `--set k=v` and `--key=value`, in order, the later one winning."""
    values: dict[str, object] = {}
    overrides: dict[str, object] = {}
    for key, text in _pairs(argv):
        if key == "config":
            values.update(_read_file(text))
        elif key == "set":
            overrides.update([_assignment(text)])
        else:
            overrides[key] = _value(text)
    return values | overrides


def _pairs(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Split `--key=value` and `--key value` into pairs."""
    rest = iter(argv)
    for argument in rest:
        if not argument.startswith("--"):
            raise UsageError(f"unexpected argument {argument!r}; settings are --key=value")
        key, equals, text = argument[2:].partition("=")
        value = text if equals else next(rest, None)
        if value is None:
            raise UsageError(f"--{key} needs a value: --{key}=…")
        yield key, value


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set needs key=value, not {text!r}")
    return key, _value(value)


def _value(text: str) -> object:
    """Read lists and mappings as JSON; everything else is text that pydantic converts."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read_file(name: str) -> dict[str, object]:
    """Read a YAML or JSON mapping of settings."""
    import yaml

    try:
        loaded = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot read --config {name}: {reason}") from None
    if not isinstance(loaded, dict):
        raise UsageError(f"--config {name} must hold a mapping of settings")
    return {str(key): value for key, value in loaded.items()}


def _unknown(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key.replace("-", "_"), known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"
    return f"unknown setting {key!r}; {hint}"


def _first_mistake(error: ValidationError) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"])
    given = "" if first["type"] == "missing" else f" (given {first['input']!r})"
    return f"setting {key!r}: {first['msg']}{given}"
