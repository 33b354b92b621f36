"""`python -m trainer.data`: write Sort-of-CLEVR in the exchange format."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trainer.clevr import QUESTIONS_PER_KIND, RELATIONAL, Question, image_and_questions
from trainer.config import parse
from trainer.errors import run_program
from trainer.exchange import encode_png
from trainer.files import write_metrics
from trainer.settings import DataSettings
from trainer.shards import write_checksums, write_shards
from trainer.vertex import current_context

SPLITS = ("train", "held_out")
CORNERS = ("x_min", "y_min", "x_max", "y_max")


def main(argv: Sequence[str]) -> int:
    """Generate both splits; returns the exit code."""
    settings = parse(DataSettings, argv)
    context = current_context(settings.output)
    names = write_dataset(settings, context.model_dir)
    total = settings.images + settings.held_out
    metrics = {
        "images": settings.images,
        "held_out_images": settings.held_out,
        "questions": total * 2 * QUESTIONS_PER_KIND,
    }
    write_metrics(context.model_dir, metrics, step=0)
    context.publish()
    print(f"wrote {total} images in {len(names)} shards to {context.model_address}")
    return 0


def write_dataset(settings: DataSettings, directory: Path) -> list[str]:
    """Write the shards and their checksums; returns the shard names."""
    names = []
    for split, count in zip(SPLITS, (settings.images, settings.held_out), strict=True):
        written = lines(settings.seed, split, range(count))
        names += write_shards(directory, split, written, settings.shard)
    write_checksums(directory, names)
    return names


def lines(seed: int, split: str, indices: range) -> Iterator[str]:
    """JSON lines of some images of a split."""
    for index in indices:
        pixels, _, asked = image_and_questions(seed, SPLITS.index(split), index)
        record = {
            "image_id": f"{split}-{index:06d}",
            "split": split,
            "image": encode_png(pixels),
            "questions": [question_record(question) for question in asked],
        }
        yield json.dumps(record, separators=(",", ":")) + "\n"


def question_record(question: Question) -> dict[str, Any]:
    """One question as BigQuery exports it: INT64 as strings."""
    return {
        "text": question.text,
        "answer": question.answer,
        "kind": question.kind,
        "relational": question.kind in RELATIONAL,
        "relevance": [
            dict(zip(CORNERS, map(str, thing.box()), strict=True)) | {"weight": weight}
            for thing, weight in question.relevant
        ],
    }


if __name__ == "__main__":
    sys.exit(run_program(main))
