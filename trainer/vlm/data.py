"""Pairs of image and question from exchange-format shards, decoded as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from trainer.data.exchange import (
    ImageRecord,
    QuestionRecord,
    check_shards,
    find_shards,
    read_records,
)
from trainer.data.textures import coverage, texture
from trainer.errors import TrainerError
from trainer.storage import sha256


@dataclass(frozen=True, slots=True)
class Batch:
    """B pairs of image and question."""

    images: Tensor  # f32 [B, 3, S, S] in [0, 1]
    textures: Tensor  # f32 [B, 13, G, G]
    relevance: Tensor  # f32 [B, N] in [0, 1], 0 without boxes
    boxed: Tensor  # bool [B], whether the question has boxes
    questions: list[QuestionRecord]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every question of some images."""

    records: Sequence[ImageRecord]
    pairs: Sequence[tuple[int, int]]
    side: int
    grid: int

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, index: Sequence[int]) -> Batch:
        """Decode the pairs of some numbers."""
        chosen = [self.pairs[number] for number in index]
        squares = [self._square(image) for image, _ in chosen]
        asked = [self.records[image].questions[place] for image, place in chosen]
        images = torch.from_numpy(np.stack([pixels for pixels, _ in squares]))
        whole = images.permute(0, 3, 1, 2).float() / 255
        masks = [self._mask(q, size) for q, (_, size) in zip(asked, squares, strict=True)]
        return Batch(
            images=whole,
            textures=texture(whole, self.grid),
            relevance=torch.stack(masks),
            boxed=torch.tensor([bool(question.relevance) for question in asked]),
            questions=asked,
        )

    def _square(self, image: int) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
        """Pixels [S, S, 3] of an image, and its own (height, width)."""
        pixels = self.records[image].pixels()
        picture = Image.fromarray(pixels).resize((self.side, self.side), Image.Resampling.BICUBIC)
        return np.asarray(picture), (pixels.shape[0], pixels.shape[1])

    def _mask(self, question: QuestionRecord, size: tuple[int, int]) -> Tensor:
        """Weighted fraction [N] of each token's square that boxes cover."""
        boxes = [(b.x_min, b.y_min, b.x_max, b.y_max) for b in question.relevance]
        corners = torch.tensor(boxes).view(-1, 4)
        weight = torch.tensor([box.weight for box in question.relevance])
        return (weight[:, None] * coverage(corners, size, self.grid)).sum(0).clamp_max(1)


@dataclass(frozen=True, slots=True)
class Shards:
    """The images of both splits."""

    train: list[ImageRecord]
    held_out: list[ImageRecord]
    digest: dict[str, str]  # sha256 of each shard


def read_shards(source: Path) -> Shards:
    """Read the shards of a directory or glob after checking their checksums."""
    shards = find_shards(source)
    check_shards(shards)
    splits: dict[str, list[ImageRecord]] = {"train": [], "held_out": []}
    for record in read_records(shards):
        splits[record.split].append(record)
    return Shards(**splits, digest={shard.name: sha256(shard) for shard in shards})


def all_pairs(records: Sequence[ImageRecord], side: int, grid: int) -> Pairs:
    """Pair every image with each of its questions."""
    pairs = [
        (n, place) for n, record in enumerate(records) for place in range(len(record.questions))
    ]
    if not pairs:
        raise TrainerError("the data hold no image of a split that is needed")
    return Pairs(records, pairs, side, grid)
