"""`python -m trainer.vqa_export`: the exchange format into VQAv2 files.

The subsets are named after the splits: `python -m trainer.vqa --train=train --held_out=held_out`
reads them back.
"""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from trainer.config import parse
from trainer.errors import TrainerError, run_program
from trainer.exchange import ImageRecord, QuestionRecord, check_shards, find_shards, read_records
from trainer.files import write_bytes, write_metrics
from trainer.vertex import current_context, local_path
from trainer.vqa_files import PEOPLE
from trainer.vqa_settings import VqaExportSettings

DATA_TYPE = "exchange"
HEAD = {
    "info": {"version": "2.0", "description": "Exported from the exchange format."},
    "data_type": DATA_TYPE,
}
MOST_QUESTIONS = 1000  # ids of questions are image id * 1000 + number, as published
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}


class Export:
    """The files of one data subset in the making."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name = directory, name
        self.images = 0
        self.questions: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []

    def add(self, record: ImageRecord) -> None:
        """Write the image of a record and note its questions."""
        if len(record.questions) > MOST_QUESTIONS:
            raise TrainerError(f"image {record.image_id} has more than {MOST_QUESTIONS} questions")
        number, self.images = self.images, self.images + 1
        data, suffix = image_file(record)
        name = f"{DATA_TYPE}_{self.name}_{number:012d}{suffix}"
        write_bytes(self.directory / self.name / name, data)
        for place, asked in enumerate(record.questions):
            ids = {"image_id": number, "question_id": number * MOST_QUESTIONS + place}
            self.questions.append(ids | {"question": asked.text})
            self.annotations.append(ids | annotation(asked))

    def finish(self) -> None:
        """Write questions and annotations."""
        head = HEAD | {"data_subtype": self.name}
        kind = f"{DATA_TYPE}_{self.name}"
        files = {
            f"v2_OpenEnded_{kind}_questions.json": head
            | {"task_type": "Open-Ended", "questions": self.questions},
            f"v2_{kind}_annotations.json": head | {"annotations": self.annotations},
        }
        for name, document in files.items():
            write_bytes(self.directory / name, json.dumps(document).encode())


def main(argv: Sequence[str]) -> int:
    """Write both subsets; returns the exit code."""
    settings = parse(VqaExportSettings, argv)
    context = current_context(settings.output)
    metrics = export(local_path(settings.input), context.model_dir)
    write_metrics(context.model_dir, metrics, step=0)
    context.publish()
    print(
        f"wrote {metrics['questions']:.0f} questions about {metrics['images']:.0f} images to "
        f"{context.model_address}"
    )
    return 0


def export(source: Path, directory: Path) -> dict[str, float]:
    """Read shards, write a subset for each split they hold; returns the counts."""
    shards = find_shards(source)
    check_shards(shards)
    found: dict[str, Export] = {}
    for record in read_records(shards):
        found.setdefault(record.split, Export(directory, record.split)).add(record)
    for subset in found.values():
        subset.finish()
    return {
        "images": sum(subset.images for subset in found.values()),
        "questions": sum(len(subset.questions) for subset in found.values()),
    }


def image_file(record: ImageRecord) -> tuple[bytes, str]:
    """Bytes of the image of a record and the ending of its name."""
    try:
        data = record.data()
        with Image.open(io.BytesIO(data)) as picture:
            return data, SUFFIXES[picture.format or ""]
    except (ValueError, UnidentifiedImageError, OSError, KeyError) as error:
        raise TrainerError(f"image {record.image_id} is neither PNG nor JPEG: {error}") from None


def annotation(asked: QuestionRecord) -> dict[str, Any]:
    """Answers to a question; where nobody was asked, ten times the one that is known."""
    said = asked.answers or (asked.answer,) * PEOPLE
    if len(said) != PEOPLE:
        raise TrainerError(f"question {asked.text!r} has {len(said)} answers, not {PEOPLE}")
    return {
        "question_type": asked.kind,
        "answer_type": answer_type(asked.answer),
        "multiple_choice_answer": asked.answer,
        "answers": [
            {"answer": each, "answer_confidence": "yes", "answer_id": number}
            for number, each in enumerate(said, start=1)
        ],
        "relational": asked.relational,
        "relevance": [box.model_dump() for box in asked.relevance],
    }


def answer_type(answer: str) -> str:
    """Sort an answer as published: yes/no, number or other."""
    if answer in {"yes", "no"}:
        return "yes/no"
    return "number" if answer.isdigit() else "other"


if __name__ == "__main__":
    sys.exit(run_program(main))
