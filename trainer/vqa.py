"""`python -m trainer.vqa`: VQAv2 files into the exchange format, images to one size."""

import base64
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from trainer.config import parse
from trainer.errors import TrainerError, run_program
from trainer.exchange import Box, ImageRecord, QuestionRecord
from trainer.files import write_metrics
from trainer.shards import write_checksums, write_shards
from trainer.vertex import current_context, local_path
from trainer.vqa_files import Subset, read_subset
from trainer.vqa_settings import VqaSettings

JPEG_QUALITY = 95


def main(argv: Sequence[str]) -> int:
    """Convert both splits; returns the exit code."""
    settings = parse(VqaSettings, argv)
    context = current_context(settings.output)
    metrics = convert(settings, local_path(settings.input), context.model_dir)
    write_metrics(context.model_dir, metrics, step=0)
    context.publish()
    print(
        f"wrote {metrics['questions']:.0f} questions about {metrics['images']:.0f} images to "
        f"{context.model_address}; {metrics['questions_left_out']:.0f} left out"
    )
    return 0


def convert(settings: VqaSettings, source: Path, directory: Path) -> dict[str, float]:
    """Write the shards of both splits and their checksums; returns the counts."""
    names: list[str] = []
    images = asked = kept = 0
    for split, subset in (("train", settings.train), ("held_out", settings.held_out)):
        found = read_subset(source, subset)
        written = lines(found, split, settings.questions, settings.side)
        names += write_shards(directory, split, written, settings.shard)
        counts = [len(questions) for questions in found.images.values()]
        images, asked = images + len(counts), asked + sum(counts)
        kept += sum(count - count % settings.questions for count in counts)
    if not kept:
        raise TrainerError(f"no image has {settings.questions} questions")
    write_checksums(directory, names)
    return {"images": images, "questions": kept, "questions_left_out": asked - kept}


def lines(subset: Subset, split: str, size: int, side: int) -> Iterator[str]:
    """JSON lines of a subset, each an image with `size` of its questions; a rest is left out."""
    for number, questions in sorted(subset.images.items()):
        if len(questions) < size:
            continue
        data, scale = resized(subset.paths[number], side)
        for first in range(0, len(questions) - size + 1, size):
            part = tuple(moved(each, *scale) for each in questions[first : first + size])
            name = f"{split}-{number:012d}-{first // size}"
            image = base64.b64encode(data).decode()
            record = ImageRecord(image_id=name, split=split, image=image, questions=part)
            yield record.model_dump_json() + "\n"


def resized(path: Path, side: int) -> tuple[bytes, tuple[float, float]]:
    """File of an image as a square of `side` pixels, and how much x and y shrink.

    An image of that size stays as it is, bit for bit.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            if (width, height) == (side, side):
                picture.load()
                return data, (1.0, 1.0)
            square = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
            buffer = io.BytesIO()
            square.save(buffer, picture.format or "PNG", quality=JPEG_QUALITY)
    except (OSError, UnidentifiedImageError) as error:
        raise TrainerError(f"{path} cannot be decoded: {error}") from None
    return buffer.getvalue(), (side / width, side / height)


def moved(question: QuestionRecord, across: float, down: float) -> QuestionRecord:
    """Scale the boxes of a question along with its image."""
    boxes = tuple(
        Box(
            x_min=box.x_min * across,
            y_min=box.y_min * down,
            x_max=box.x_max * across,
            y_max=box.y_max * down,
            weight=box.weight,
        )
        for box in question.relevance
    )
    return question.model_copy(update={"relevance": boxes})


if __name__ == "__main__":
    sys.exit(run_program(main))
