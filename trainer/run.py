"""A training run: everything it works with, and how far it is."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainer.checkpoint import Progress
from trainer.dataset import Split, steps_per_epoch
from trainer.devices import autocast
from trainer.measure import measure
from trainer.metrics import MetricsLog
from trainer.network import Network
from trainer.objective import Loss, in_float32, objective
from trainer.parallel import Wrapped
from trainer.saver import Saver
from trainer.settings import TrainSettings
from trainer.signals import StopRequest
from trainer.team import Team
from trainer.tensors import HostCopies
from trainer.vertex import RunContext


@dataclass(slots=True)
class Run:
    """Everything a training run works with; `step` counts finished steps.

    `model` holds the weights; `wrapped` is how a step calls it.
    """

    settings: TrainSettings
    context: RunContext
    model: Network
    wrapped: Wrapped
    optimizer: torch.optim.Optimizer
    train: Split
    validation: Split
    log: MetricsLog
    stop: StopRequest
    identity: dict[str, Any]
    step: int = 0
    loss: float = math.nan
    score: float | None = None  # of this step, where it was evaluated
    best: float | None = None
    stale: int = 0  # epochs since the best score
    saver: Saver = field(default_factory=Saver)
    copies: dict[str, HostCopies] = field(
        default_factory=lambda: {"model": HostCopies(), "moments": HostCopies()}
    )
    started: float = field(default_factory=time.monotonic)  # of the program

    @property
    def answering(self) -> bool:
        """Whether this stage trains the answer; stage `relevance` trains the scorers only."""
        return self.settings.stage != "relevance"

    @property
    def team(self) -> Team:
        """The processes that train together."""
        return self.wrapped.team

    @property
    def headline(self) -> str:
        """The metric that tells checkpoints and trials apart."""
        return "accuracy" if self.answering else "relevance_iou"

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return steps_per_epoch(len(self.train), self.settings.batch)

    @property
    def planned(self) -> int:
        """Steps in the whole run."""
        return self.per_epoch * self.settings.epochs

    @property
    def done(self) -> bool:
        """Whether no step is left to do: all are done, or patience is at its end."""
        patience = self.settings.patience
        return self.step >= self.planned or (patience is not None and self.stale >= patience)

    @property
    def interrupted(self) -> bool:
        """Whether to leave before the run is done: SIGTERM, or the time is up."""
        limit = self.settings.max_seconds
        late = limit is not None and time.monotonic() - self.started >= limit
        return self.stop.asked or late

    def losses(self, images: Tensor) -> Loss:
        """Losses of the training images of an index tensor.

        The network computes in the wanted precision, the losses are computed in float32.
        """
        batch = self.train.batch(images)
        with autocast(self.settings.precision, batch.textures.device):
            output = self.wrapped.call(
                batch.textures, batch.tokens, batch.question, answering=self.answering
            )
        settings = self.settings
        return objective(in_float32(output), batch, settings, self.model.keep, hard=settings.hard)

    def measured(self) -> dict[str, float]:
        """Metrics on the validation images."""
        return measure(self.model, self.validation, batch=50, answering=self.answering)

    def say(self, text: str) -> None:
        """Print a line, once for all processes."""
        if self.team.leads:
            print(text, flush=True)

    def progress(self) -> Progress:
        """Where the run stands."""
        epoch = self.step // self.per_epoch
        return Progress(self.step, epoch, self.planned, self.done, self.loss, self.score)
