"""A training run: everything it works with, and how far it is."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from trainer.checkpoint import Progress
from trainer.dataset import Split, steps_per_epoch
from trainer.metrics import MetricsLog
from trainer.model import ArrCoc, Output
from trainer.saver import Saver
from trainer.settings import TrainSettings
from trainer.signals import StopRequest
from trainer.vertex import RunContext


@dataclass(slots=True)
class Run:
    """Everything a training run works with; `step` counts finished steps.

    `model` holds the weights; `network` is what a step calls: the model itself, or the model
    compiled. Its parameters are those of `model`, so names and values are the same.
    """

    settings: TrainSettings
    context: RunContext
    model: ArrCoc
    network: Callable[..., Output]
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
    started: float = field(default_factory=time.monotonic)

    @property
    def answering(self) -> bool:
        """Whether this stage trains the answer; stage `relevance` trains the scorers only."""
        return self.settings.stage == "answer"

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

    def progress(self) -> Progress:
        """Where the run stands."""
        epoch = self.step // self.per_epoch
        return Progress(self.step, epoch, self.planned, self.done, self.loss, self.score)
