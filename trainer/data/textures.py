"""Shards of the exchange format into tensors for training (`python -m trainer.textures`).

Writes train.safetensors, held_out.safetensors and textures.json (vocabulary, answers, grid).

A patch has thirteen coarse channels and ten fine ones. The coarse ones are a function of the coarse
image alone, a small copy of the image: those of ARR-COC's texture array with its two duplicates
replaced by the blue-yellow opponent channel and the local contrast. The fine ones are a function of
the patch's own pixels alone. Nothing depends on other images.
"""

import gc
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from trainer.config import parse
from trainer.data.exchange import ImageRecord, check_shards, find_shards, pictures, read_records
from trainer.data.vqa_accuracy import human_tensors
from trainer.errors import TrainerError
from trainer.settings import TexturesSettings
from trainer.storage import SCHEMA_VERSION, describe_files, write_bytes, write_json, write_metrics
from trainer.vertex import current_context, local_path

CHANNELS = (
    "red", "green", "blue", "luminance", "red_green", "gradient_x", "gradient_y",
    "edge", "y", "x", "eccentricity", "blue_yellow", "contrast",
)  # fmt: skip
EDGE = CHANNELS.index("edge")
PLACE = ("y", "x", "eccentricity")
FINE = tuple(name for name in CHANNELS if name not in PLACE)  # of a patch's own pixels
ALL_CHANNELS = (*CHANNELS, *(f"fine_{name}" for name in FINE))
SPLITS = ("train", "held_out")
IMAGES_AT_ONCE = 256


def main(argv: Sequence[str]) -> int:
    """Compute the textures of both splits; returns the exit code."""
    settings = parse(TexturesSettings, argv)
    torch.set_num_threads(settings.threads)
    gc.disable()  # the many small records have no cycles, yet would be walked again and again
    context = current_context(settings.output)
    metrics = write_textures(
        local_path(settings.input), context.model_dir, settings.grid, settings.coarse
    )
    write_metrics(context.model_dir, metrics, step=0)
    context.publish()
    print(f"wrote textures of {metrics['images']:.0f} images to {context.model_address}")
    return 0


def write_textures(
    source: Path, directory: Path, grid: int, coarse: int | None = None
) -> dict[str, float]:
    """Read shards, write the tensors of both splits; returns the counts."""
    shards = find_shards(source)
    check_shards(shards)
    splits = split_records(shards)
    words, answers = vocabulary(splits["train"]), answer_names(splits["train"])
    names = []
    coarse = coarse or grid
    for split, records in splits.items():
        tensors = split_tensors(records, words, answers, (grid, coarse))
        write_bytes(directory / f"{split}.safetensors", save(tensors))
        names.append(f"{split}.safetensors")
    document = {
        "schema_version": SCHEMA_VERSION,
        "grid": grid,
        "coarse": coarse,
        "side": list(splits["train"][0].pixels().shape[:2]),
        "words": words,
        "answers": answers,
        "files": describe_files(directory, names),
    }
    write_json(directory / "textures.json", document)
    counts = {"images": sum(map(len, splits.values())), "held_out_images": len(splits["held_out"])}
    return {**counts, "words": len(words), "answers": len(answers)}


def split_records(shards: list[Path]) -> dict[str, list[ImageRecord]]:
    """Sort records by split; both splits must hold something."""
    splits: dict[str, list[ImageRecord]] = {name: [] for name in SPLITS}
    for record in read_records(shards):
        splits[record.split].append(record)
    for name, records in splits.items():
        if not records:
            raise TrainerError(f"the data holds no image of split {name!r}")
    return splits


def tokens(text: str) -> list[str]:
    """Lower-case words of a question."""
    return re.findall(r"[a-z0-9']+", text.lower())


def vocabulary(records: list[ImageRecord]) -> list[str]:
    """Words of the questions in name order; 0 is padding, 1 any unknown word."""
    texts = {question.text for record in records for question in record.questions}
    return ["<pad>", "<unknown>", *sorted({word for text in texts for word in tokens(text)})]


def answer_names(records: list[ImageRecord]) -> list[str]:
    """Distinct answers in name order."""
    return sorted({question.answer for record in records for question in record.questions})


def split_tensors(
    records: list[ImageRecord], words: list[str], answers: list[str], sides: tuple[int, int]
) -> dict[str, Tensor]:
    """Tensors of n images with q questions each; `sides` are those of the grid and the coarse image.

    textures f32 [n, 23, G, G]; relevance u8 [n, q, G*G] (255 = covered); question i32 [n, q]
    (row of tokens); tokens i32 [u, t]; answer i64 [n, q]; relational bool [n, q]. Where several
    lines are about one image: picture i64 [n], its number. Where people answered: human i32 and
    human_accuracy f32 [n, q, h], see `human_tensors`.
    """
    asked = [question for record in records for question in record.questions]
    per_image = questions_per_image(records)
    texts = sorted({question.text for question in asked})
    row = {text: index for index, text in enumerate(texts)}
    number = {name: index for index, name in enumerate(answers)}
    shape = (len(records), per_image)
    textures, relevance = image_tensors(records, *sides)
    return {
        "textures": textures,
        "relevance": relevance,
        "tokens": token_rows(texts, words),
        "question": torch.tensor([row[q.text] for q in asked], dtype=torch.int32).view(shape),
        "answer": torch.tensor([number.get(q.answer, -1) for q in asked]).view(shape),
        "relational": torch.tensor([q.relational for q in asked]).view(shape),
        **picture_tensors(records),
        **human_tensors(asked, answers, shape),
    }


def picture_tensors(records: list[ImageRecord]) -> dict[str, Tensor]:
    """Return the number of the image of each line, where lines share one."""
    numbers = pictures(records)
    return {"picture": torch.tensor(numbers)} if len(set(numbers)) < len(numbers) else {}


def questions_per_image(records: list[ImageRecord]) -> int:
    """Return the one number of questions that every image has."""
    counts = {len(record.questions): record.image_id for record in records}
    if len(counts) > 1:
        few, many = min(counts), max(counts)
        raise TrainerError(
            f"every image needs the same number of questions: {counts[few]} has {few}, "
            f"{counts[many]} has {many}"
        )
    return next(iter(counts))


def token_rows(texts: list[str], words: list[str]) -> Tensor:
    """Word numbers [u, t] of texts, padded with 0."""
    number = {word: index for index, word in enumerate(words)}
    rows = [[number.get(word, 1) for word in tokens(text)] for text in texts]
    longest = max(map(len, rows))
    padded = [line + [0] * (longest - len(line)) for line in rows]
    return torch.tensor(padded, dtype=torch.int32)


def image_tensors(records: list[ImageRecord], grid: int, coarse: int) -> tuple[Tensor, Tensor]:
    """Textures f32 [n, 23, G, G] and relevance u8 [n, q, G*G]."""
    textures, relevance = [], []
    for first in range(0, len(records), IMAGES_AT_ONCE):
        part = records[first : first + IMAGES_AT_ONCE]
        pixels = [record.pixels() for record in part]
        if len({image.shape for image in pixels}) > 1:
            raise TrainerError("all images must have the same size")
        images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
        textures.append(all_textures(images, grid, coarse))
        height, width = pixels[0].shape[:2]
        relevance.append(relevance_maps(part, (height, width), grid))
    return torch.cat(textures), torch.cat(relevance)


def relevance_maps(records: list[ImageRecord], side: tuple[int, int], grid: int) -> Tensor:
    """Weighted fraction of each patch that the boxes of each question cover: u8 [n, q, G*G]."""
    asked = [question for record in records for question in record.questions]
    boxes = [box for question in asked for box in question.relevance]
    corners = torch.tensor([(b.x_min, b.y_min, b.x_max, b.y_max) for b in boxes])
    weight = torch.tensor([box.weight for box in boxes])
    owner = torch.tensor([i for i, q in enumerate(asked) for _ in q.relevance], dtype=torch.long)
    covered = torch.zeros(len(asked), grid * grid)
    if boxes:
        covered.index_add_(0, owner, weight[:, None] * coverage(corners, side, grid))
    scaled = (covered.clamp_max(1) * 255).round().to(torch.uint8)
    return scaled.view(len(records), -1, grid * grid)


def all_textures(images: Tensor, grid: int, coarse: int) -> Tensor:
    """Coarse and fine channels [B, 23, grid, grid] of images [B, 3, H, W] in [0, 1]."""
    return torch.cat(
        [texture(coarse_image(images, coarse), grid), fine_texture(images, grid)], dim=1
    )


def coarse_image(images: Tensor, side: int) -> Tensor:
    """Small copies [B, 3, side, side] of images, in 256 steps as image files have them.

    Means of whole numbers are exact, so that only the mean of the pixels counts, not their order.
    """
    return functional.adaptive_avg_pool2d((images * 255).round(), side).round() / 255


def fine_texture(images: Tensor, grid: int) -> Tensor:
    """Ten channels [B, 10, grid, grid], each patch a function of its own pixels alone."""
    found = pooled(patches_of(images, grid), 1)
    channels = torch.cat([found[name] for name in FINE], dim=1)
    return channels.view(len(images), grid, grid, -1).permute(0, 3, 1, 2).contiguous()


def patches_of(images: Tensor, grid: int) -> Tensor:
    """Cut images [B, 3, H, W] into patches [B * N, 3, h, w] that share no pixel.

    Where the grid does not divide a side, the image is first made that much smaller.
    """
    high, wide = (max(side // grid, 1) for side in images.shape[2:])
    if images.shape[2:] != (high * grid, wide * grid):
        images = functional.adaptive_avg_pool2d(images, (high * grid, wide * grid))
    cut = images.view(len(images), -1, grid, high, grid, wide).permute(0, 2, 4, 1, 3, 5)
    return cut.flatten(0, 2)


def texture(images: Tensor, grid: int) -> Tensor:
    """Textures [B, 13, grid, grid] of images [B, 3, H, W] in [0, 1]."""
    found = pooled(images, grid)
    for name in ("gradient_x", "gradient_y", "edge"):
        found[name] = unit_range(found[name])
    place = positions(grid).expand(len(images), -1, -1, -1)
    found |= {name: place[:, [number]] for number, name in enumerate(PLACE)}
    return torch.cat([found[name] for name in CHANNELS], dim=1)


def pooled(images: Tensor, grid: int) -> dict[str, Tensor]:
    """Every channel but the place, [B, 1, grid, grid] each; gradients are not normalised."""

    def pool(values: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(values, grid)

    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    gradient_x, gradient_y = sobel(luminance)
    edge = (gradient_x**2 + gradient_y**2 + 1e-8).sqrt()
    mean = pool(luminance)
    return {
        "red": pool(red), "green": pool(green), "blue": pool(blue), "luminance": mean,
        "red_green": pool((red - green + 1) / 2), "gradient_x": pool(gradient_x),
        "gradient_y": pool(gradient_y), "edge": pool(edge),
        "blue_yellow": pool(((red + green) / 2 - blue + 1) / 2),
        "contrast": 2 * (pool(luminance**2) - mean**2).clamp_min(0).sqrt(),
    }  # fmt: skip


def sobel(values: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical gradients of [B, 1, H, W], the border repeated."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = functional.pad(values, (1, 1, 1, 1), mode="replicate")
    both = functional.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    return both[:, :1], both[:, 1:]


def unit_range(values: Tensor) -> Tensor:
    """Min-max normalise every map [B, C, H, W] by itself; a flat map becomes 0."""
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    return (values - low) / (high - low + 1e-6)


def positions(grid: int) -> Tensor:
    """Channels y, x and eccentricity [1, 3, grid, grid], all in [0, 1]."""
    axis = torch.linspace(0, 1, grid)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    eccentricity = ((y - 0.5) ** 2 + (x - 0.5) ** 2).sqrt() / math.sqrt(0.5)
    return torch.stack([y, x, eccentricity])[None]


def coverage(boxes: Tensor, side: tuple[int, int], grid: int) -> Tensor:
    """Fraction of every patch covered by boxes: [M, 4] in pixels -> [M, grid * grid].

    A box is (x_min, y_min, x_max, y_max); `side` is the image's (height, width).
    """
    height, width = side
    rows = _overlap(boxes[:, 1], boxes[:, 3], height, grid)
    columns = _overlap(boxes[:, 0], boxes[:, 2], width, grid)
    return (rows[:, :, None] * columns[:, None, :]).flatten(1)


def _overlap(low: Tensor, high: Tensor, extent: int, grid: int) -> Tensor:
    """Fraction [M, grid] of each of `grid` equal intervals that lies in [low, high)."""
    edges = torch.linspace(0, extent, grid + 1)
    top = torch.minimum(high[:, None], edges[None, 1:])
    bottom = torch.maximum(low[:, None], edges[None, :-1])
    return (top - bottom).clamp_min(0) * grid / extent
