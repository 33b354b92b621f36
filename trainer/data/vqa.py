"""VQA v2.0 files into the exchange format, and back.

`python -m trainer.vqa` reads the questions, annotations and images of two data subsets and brings
the images to one size; `python -m trainer.vqa_export` writes such files. It names the subsets after
the splits: `python -m trainer.vqa --train=train --held_out=held_out` reads them back.

Format: https://visualqa.org/download.html; names as in the published archives, unpacked into one
directory: `v2_OpenEnded_mscoco_train2014_questions.json`, `v2_mscoco_train2014_annotations.json`,
`train2014/COCO_train2014_000000000009.jpg`. `relevance` and `relational` of an annotation are our
addition; other readers of the format pass over them.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.config import parse
from trainer.data.exchange import (
    Box,
    ImageRecord,
    QuestionRecord,
    check_shards,
    find_shards,
    read_records,
    write_checksums,
    write_shards,
)
from trainer.errors import TrainerError
from trainer.settings import VqaExportSettings, VqaSettings
from trainer.storage import read_json, write_bytes, write_metrics
from trainer.vertex import current_context, local_path

JPEG_QUALITY = 95
PEOPLE = 10  # answers to every question
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png"}
DATA_TYPE = "exchange"
HEAD = {
    "info": {"version": "2.0", "description": "Exported from the exchange format."},
    "data_type": DATA_TYPE,
}
MOST_QUESTIONS = 1000  # ids of questions are image id * 1000 + number, as published


def main(argv: Sequence[str]) -> int:
    """Convert VQAv2 files of both splits; returns the exit code."""
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


class Info(BaseModel):
    """What a file says about itself."""

    version: str


class Head(BaseModel):
    """What both files have."""

    info: Info
    data_type: str
    data_subtype: str


class QuestionsHead(Head):
    """The questions file without its questions."""

    task_type: Literal["Open-Ended"]


class Question(BaseModel):
    """One question about one image."""

    model_config = ConfigDict(strict=True)

    question_id: int
    image_id: int = Field(ge=0)
    question: str = Field(min_length=1)


class Answer(BaseModel):
    """What one person said."""

    answer: str


class Annotation(BaseModel):
    """The answers to one question."""

    question_id: int
    image_id: int
    question_type: str = ""
    multiple_choice_answer: str = Field(min_length=1)
    answers: tuple[Answer, ...] = Field(min_length=PEOPLE, max_length=PEOPLE)
    relevance: tuple[Box, ...] = ()
    relational: bool = False


Item = TypeVar("Item", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Subset:
    """One data subset: the questions of every image, and where the images are."""

    images: dict[int, list[QuestionRecord]]
    paths: dict[int, Path]


def read_subset(directory: Path, name: str) -> Subset:
    """Read questions, answers and image names of a data subset; raises TrainerError."""
    questions_file = _only(directory, f"v2_*_{name}_questions.json")
    head, questions = _read(questions_file, "questions", QuestionsHead, Question)
    answers_file = _only(directory, f"v2_*_{name}_annotations.json")
    other, annotations = _read(answers_file, "annotations", Head, Annotation)
    for file, subset in ((questions_file, head), (answers_file, other)):
        if subset.data_subtype != name:
            raise TrainerError(f"{file.name}: its data_subtype is {subset.data_subtype!r}")
    asked = _by_id(questions_file, questions)
    answered = _by_id(answers_file, annotations)
    _same_questions(asked, answered, answers_file)
    images: dict[int, list[QuestionRecord]] = {}
    for number, question in asked.items():
        record = _record(question, answered[number])
        images.setdefault(question.image_id, []).append(record)
    prefix = "COCO" if head.data_type == "mscoco" else head.data_type
    find = partial(_image, directory / name, f"{prefix}_{name}")
    return Subset(images, {image: find(image) for image in images})


def _only(directory: Path, pattern: str) -> Path:
    """Return the one file of a pattern."""
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        what = f"{found[0].name} and {found[1].name}" if found else "no file"
        raise TrainerError(f"{directory} holds {what} of the pattern {pattern}, and needs one")
    return found[0]


def _read(path: Path, key: str, head: type[Head], item: type[Item]) -> tuple[Head, Iterator[Item]]:
    """Check the head of a file; its items are checked as they are asked for."""
    document = read_json(path)
    whole: Head = _validate(head, document, path.name)
    if whole.info.version.partition(".")[0] != "2":
        raise TrainerError(f"{path.name}: its version is {whole.info.version!r}, not 2.0")
    listed = document.get(key)
    if not isinstance(listed, list) or not listed:
        raise TrainerError(f"{path.name}: {key!r} is not a list of at least one")
    return whole, (
        _validate(item, each, f"{path.name}: {key}[{n}]") for n, each in enumerate(listed)
    )


def _validate(kind: type[Item], value: Any, where: str) -> Item:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise TrainerError(f"{where}: {field + ': ' if field else ''}{first['msg']}") from None


ById = TypeVar("ById", Question, Annotation)


def _by_id(path: Path, items: Iterator[ById]) -> dict[int, ById]:
    found: dict[int, ById] = {}
    for item in items:
        if item.question_id in found:
            raise TrainerError(f"{path.name}: question {item.question_id} is there twice")
        found[item.question_id] = item
    return found


def _same_questions(
    asked: dict[int, Question], answered: dict[int, Annotation], file: Path
) -> None:
    """Raise TrainerError unless every question has its answers and every answer its question."""
    odd = min(asked.keys() ^ answered.keys(), default=None)
    if odd is not None:
        lack = "no answers to" if odd in asked else "answers without their"
        raise TrainerError(f"{file.name}: {lack} question {odd}")
    for number, question in asked.items():
        image = answered[number].image_id
        if image != question.image_id:
            raise TrainerError(
                f"{file.name}: question {number} is about image {question.image_id}, "
                f"its answers are about image {image}"
            )


def _record(question: Question, annotation: Annotation) -> QuestionRecord:
    return QuestionRecord(
        text=question.question,
        answer=annotation.multiple_choice_answer,
        kind=annotation.question_type,
        relational=annotation.relational,
        relevance=annotation.relevance,
        answers=tuple(each.answer for each in annotation.answers),
    )


def _image(folder: Path, prefix: str, number: int) -> Path:
    """Return the file of an image; raises TrainerError where it is missing."""
    names = [f"{prefix}_{number:012d}{suffix}" for suffix in SUFFIXES.values()]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise TrainerError(f"image {number} is missing: {folder} has no {' and no '.join(names)}")
    return found


def main_export(argv: Sequence[str]) -> int:
    """Write both subsets as VQAv2 files; returns the exit code."""
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
