"""What people answered, as tensors beside the textures, and the accuracy that follows from them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from trainer.exchange import QuestionRecord
from trainer.vqa_answers import accuracy, normalise

NONE = -2  # no answer; -1 is already an answer that the vocabulary lacks


def human_tensors(
    asked: Sequence[QuestionRecord], names: Sequence[str], shape: tuple[int, int]
) -> dict[str, Tensor]:
    """Which answers of the vocabulary earn something, and how much: i32 and f32 [n, q, h].

    `human` holds their numbers, NONE where a question has no more; `human_accuracy` the VQA
    accuracy of each. There are no tensors where nobody was asked.
    """
    if not any(question.answers for question in asked):
        return {}
    alike: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        alike.setdefault(normalise(name), []).append(number)
    rows = [_earning(question.answers, names, alike) for question in asked]
    most = max(1, *map(len, rows))
    numbers = [[*row, *[NONE] * (most - len(row))] for row in rows]
    values = [[*row.values(), *[0.0] * (most - len(row))] for row in rows]
    return {
        "human": torch.tensor(numbers, dtype=torch.int32).view(*shape, most),
        "human_accuracy": torch.tensor(values).view(*shape, most),
    }


def _earning(
    said: Sequence[str], names: Sequence[str], alike: dict[str, list[int]]
) -> dict[int, float]:
    """Return `{number of an answer: its VQA accuracy}` of one question."""
    numbers = {number for each in said for number in alike.get(normalise(each), ())}
    return {number: accuracy(names[number], said) for number in sorted(numbers)}


def vqa_accuracy(guess: Tensor, human: Tensor, earned: Tensor) -> Tensor:
    """VQA accuracy [B, Q] of guesses [B, Q], given what earns how much [B, Q, h]."""
    return (earned * (human == guess[..., None])).sum(-1)
