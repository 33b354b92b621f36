"""Trials that train together: what may differ between them, and how they are given.

Importable without torch: whoever plans packs of trials asks here which settings they may vary.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trainer.config import build
from trainer.errors import UsageError
from trainer.settings import Positive, TrainSettings

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

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class PackSettings(BaseModel):
    """`python -m trainer --trials=…`: several trials, trained together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trials: dict[Name, dict[str, Any]] = Field(
        min_length=1, description="settings of each trial by its name, as JSON"
    )
    pack: Positive | None = Field(
        default=None, description="trials trained at the same time; all of them if absent"
    )


def read_trials(values: Mapping[str, object]) -> tuple[PackSettings, dict[str, TrainSettings]]:
    """Separate trials from what they share; raise UsageError with one line on a mistake."""
    own = {name: values[name] for name in PackSettings.model_fields if name in values}
    packing = build(PackSettings, own)
    shared = {name: value for name, value in values.items() if name not in own}
    trials = {name: _settings(name, shared, given) for name, given in packing.trials.items()}
    check_alone(trials)
    check_shape(trials)
    return packing, trials


def _settings(
    name: str, shared: Mapping[str, object], given: Mapping[str, object]
) -> TrainSettings:
    """Build the settings of one trial; its own values win. It writes below the common output."""
    values = {**shared, **given}
    if values.get("output"):
        values["output"] = f"{str(values['output']).rstrip('/')}/{name}"
    try:
        return build(TrainSettings, values)
    except UsageError as error:
        raise UsageError(f"trial {name}: {error}") from None


def check_alone(trials: Mapping[str, TrainSettings]) -> None:
    """Raise UsageError for a setting that only a run of its own heeds."""
    for trial, settings in trials.items():
        for name, field in TrainSettings.model_fields.items():
            known = (field.alias or name) in {*VARYING, *SHAPE, "output"}
            if not known and getattr(settings, name) != field.default:
                value = getattr(settings, name)
                raise UsageError(
                    f"trial {trial}: {name}={value} is not for packs; train it alone, without --trials"
                )


def check_shape(trials: Mapping[str, TrainSettings]) -> None:
    """Raise UsageError unless the trials differ in nothing but what may vary."""
    first, *others = trials
    for other in others:
        for name in SHAPE:
            here, there = getattr(trials[first], name), getattr(trials[other], name)
            if here != there:
                raise UsageError(
                    f"trials {first} and {other} differ in {name} ({here} and {there}); "
                    f"trials of a pack may differ in {', '.join(VARYING)}"
                )
