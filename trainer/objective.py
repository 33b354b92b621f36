"""The training objective: answers, relevance and budgets."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor
from torch.nn import functional

from trainer.dataset import Batch
from trainer.network import Answers, Output

HARD = 2.0  # weight of a wrong answer in stage hard


@dataclass(frozen=True, slots=True)
class Loss:
    """The whole loss and its unweighted parts, all scalars."""

    total: Tensor
    answer: Tensor
    relevance: Tensor
    budget: Tensor


class Weighing(Protocol):
    """The numbers of the objective: those of the settings, or tensors in their place."""

    @property
    def relevance_weight(self) -> float | Tensor:
        """Weight of the relevance loss."""

    @property
    def budget_weight(self) -> float | Tensor:
        """Weight of the budget loss."""

    @property
    def budget_target(self) -> float | Tensor:
        """Wanted mean budget in tokens."""


def objective(
    output: Output | Answers, batch: Batch, settings: Weighing, keep: int, *, hard: bool
) -> Loss:
    """CE(answer) + w_r BCE(relevance, mask) + w_b (mean budget / target - 1)^2.

    The answer counts 0 where none was asked for (stage `relevance`); relevance and budgets count 0
    for a network without selection. `hard` is stage `hard`: see `answer_loss`.
    """
    nothing = batch.relevance.new_zeros(())
    answer, relevance, budget = nothing, nothing, nothing
    if output.logits is not None:
        answer = answer_loss(output.logits, batch.answer, hard=hard)
    if isinstance(output, Output):
        relevance = relevance_loss(output, batch)
        mean_budget = output.budgets.sum(-1) / keep
        budget = ((mean_budget / settings.budget_target - 1) ** 2).mean()
    total = answer + settings.relevance_weight * relevance + settings.budget_weight * budget
    return Loss(total, answer, relevance, budget)


def answer_loss(logits: Tensor, answer: Tensor, *, hard: bool) -> Tensor:
    """Mean cross-entropy of logits [B, Q, answers]; answer -1 is unknown and counts nothing.

    In stage `hard` a question that the network gets wrong in this very step counts HARD times: a
    function of the step's weights and images alone, so that resuming needs nothing more.
    """
    flat, truth = logits.flatten(0, 1), answer.flatten()
    if not hard:
        return functional.cross_entropy(flat, truth, ignore_index=-1)
    each = functional.cross_entropy(flat, truth, ignore_index=-1, reduction="none")
    weight = 1 + (HARD - 1) * (flat.argmax(-1) != truth)
    return (weight * each).sum() / (truth >= 0).sum().clamp_min(1)


def in_float32(output: Output | Answers) -> Output | Answers:
    """Bring what the network says to f32; masks stay what they are."""
    numbers = {
        name: value.float()
        for name, value in output._asdict().items()
        if value is not None and value.is_floating_point()
    }
    return output._replace(**numbers)


def relevance_loss(output: Output, batch: Batch) -> Tensor:
    """Mean binary cross-entropy of the relevance maps."""
    return map_loss(output.relevance, batch.relevance)


def map_loss(relevance: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy of maps in [0, 1] against masks in [0, 1].

    Written out, because the library's function raises on NaN before the loop can report it.
    """
    guess = relevance.clamp(1e-4, 1 - 1e-4)
    return -(mask * guess.log() + (1 - mask) * (1 - guess).log()).mean()
