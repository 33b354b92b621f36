"""The output of the textures stage, read back, and the order in which training sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from trainer.errors import TrainerError
from trainer.settings import BUILT_IN, DataSettings
from trainer.storage import damaged_files, read_json
from trainer.vertex import RunContext, local_path


class Batch(NamedTuple):
    """B images with Q questions each."""

    textures: Tensor  # f32 [B, 23, G, G]
    tokens: Tensor  # i32 [U, t], every distinct question
    question: Tensor  # i64 [B, Q], rows of tokens
    answer: Tensor  # i64 [B, Q], -1 where unknown in training
    relevance: Tensor  # f32 [B, Q, N] in [0, 1]
    relational: Tensor  # bool [B, Q]


@dataclass(frozen=True, slots=True)
class Split:
    """All tensors of one split, on one device."""

    tensors: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.tensors["textures"])

    def batch(self, index: Tensor) -> Batch:
        """Pick the images of an index tensor [B]."""
        index = index.to(self.tensors["textures"].device)  # once, not for each tensor
        pick = {name: self.tensors[name][index] for name in Batch._fields if name != "tokens"}
        pick["relevance"] = pick["relevance"].float() / 255
        pick["question"] = pick["question"].long()
        return Batch(tokens=self.tensors["tokens"], **pick)

    def first(self, count: int | None) -> "Split":
        """Keep the first `count` images; None keeps all."""
        return self if count is None else self.subset(torch.arange(min(count, len(self))))

    def subset(self, index: Tensor) -> "Split":
        """Keep some of the images."""
        kept = {n: t if n == "tokens" else t[index] for n, t in self.tensors.items()}
        return Split(kept)


@dataclass(frozen=True, slots=True)
class Textures:
    """Both splits and what their numbers mean."""

    train: Split
    held_out: Split
    grid: int
    coarse: int  # pixels per side of the coarse image
    side: tuple[int, int]  # height and width of the first image, pixels
    words: list[str]
    answers: list[str]
    digest: str

    def pixels_read(self, kept: float) -> float:
        """Share of an image's pixels in the coarse image and so many fine patches together."""
        high, wide = (max(side // self.grid, 1) for side in self.side)
        return (self.coarse**2 + kept * high * wide) / (self.side[0] * self.side[1])


def load_textures(directory: Path, device: torch.device) -> Textures:
    """Read the textures directory after checking its checksums."""
    document = read_json(directory / "textures.json")
    lacking = {"files", "grid", "words", "answers"} - document.keys()
    if lacking:
        raise TrainerError(f"{directory / 'textures.json'} has no {min(lacking)!r}")
    problems = damaged_files(directory, document["files"])
    if problems:
        raise TrainerError(f"damaged textures in {directory}: {problems[0]}")
    if "coarse" not in document:
        raise TrainerError(
            f"the textures in {directory} are of an older trainer, where every patch held something "
            "of its neighbours: write them again with `python -m trainer.textures`"
        )
    return Textures(
        train=_load_split(directory / "train.safetensors", device),
        held_out=_load_split(directory / "held_out.safetensors", device),
        grid=document["grid"],
        coarse=document["coarse"],
        side=tuple(document["side"]),
        words=document["words"],
        answers=document["answers"],
        digest=document["files"]["train.safetensors"]["sha256"],
    )


def _load_split(path: Path, device: torch.device) -> Split:
    try:
        return Split(load_file(path, device=str(device)))
    except (SafetensorError, OSError) as error:
        raise TrainerError(f"cannot read {path}: {error}") from None


def hold_out(split: Split, fraction: float) -> tuple[Split, Split]:
    """(training, validation), no image in both; see `held_images`."""
    numbers = split.tensors.get("picture", torch.arange(len(split)))
    chosen = held_images(numbers.tolist(), fraction)
    return split.subset(~chosen), split.subset(chosen)


def held_images(numbers: Sequence[int], fraction: float) -> Tensor:
    """Tell which lines are for validation: bool [n], by the number of the image of each.

    Validation takes evenly spaced images, at least one of each, with all their lines.
    """
    images = list(dict.fromkeys(numbers))
    total = len(images)
    if total < 2:  # noqa: PLR2004 - one to train on, one to validate on
        raise TrainerError("training needs at least two images")
    count = min(max(round(total * fraction), 1), total - 1)
    held = {images[number * total // count] for number in range(count)}
    return torch.tensor([number in held for number in numbers])


def steps_per_epoch(images: int, batch: int) -> int:
    """Full batches in an epoch; a split smaller than a batch is one step."""
    return max(images // batch, 1)


def step_index(images: int, batch: int, seed: int, step: int) -> Tensor:
    """Image numbers of a step (counted from 0): a pure function of (seed, epoch, step)."""
    per_epoch = steps_per_epoch(images, batch)
    epoch, place = divmod(step, per_epoch)
    return epoch_order(images, seed, epoch)[place * batch : (place + 1) * batch]


@lru_cache(maxsize=4)  # drawn once an epoch, not once a step
def epoch_order(images: int, seed: int, epoch: int) -> Tensor:
    """Permute all images: a pure function of (seed, epoch)."""
    generator = torch.Generator().manual_seed((seed + 1) * 1_000_003 + epoch)
    return torch.randperm(images, generator=generator)


def textures_directory(address: str, context: RunContext) -> Path:
    """Find the textures at an address; those of the built-in data are made on first use.

    They lie beside the model directory, so that a restarted job finds them again.
    """
    if address != BUILT_IN:
        return local_path(address)
    base = context.model_dir.parent / BUILT_IN
    if not (base / "textures" / "textures.json").is_file():
        _make(base)
    return base / "textures"


def _make(base: Path) -> None:
    from trainer.data.clevr import write_dataset
    from trainer.data.textures import write_textures

    print(f"making the built-in data set in {base}", flush=True)
    write_dataset(DataSettings(), base / "data")
    write_textures(base / "data", base / "textures", grid=15)


def parts_of(images: Tensor, rank: int, world: int, accumulate: int) -> list[Tensor]:
    """Images of a step that a process computes, part by part: together the same for any world."""
    if len(images) < world * accumulate:
        raise TrainerError(
            f"{len(images)} images a step are too few for {world} processes "
            f"and accumulate={accumulate}"
        )
    parts = images.tensor_split(world * accumulate)
    return list(parts[rank * accumulate : (rank + 1) * accumulate])
