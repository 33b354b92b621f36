"""The files of VQA v2.0: questions, annotations and images of one data subset, read and checked.

Format: https://visualqa.org/download.html; names as in the published archives, unpacked into one
directory: `v2_OpenEnded_mscoco_train2014_questions.json`, `v2_mscoco_train2014_annotations.json`,
`train2014/COCO_train2014_000000000009.jpg`. `relevance` and `relational` of an annotation are our
addition; other readers of the format pass over them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.errors import TrainerError
from trainer.exchange import Box, QuestionRecord
from trainer.files import read_json

PEOPLE = 10  # answers to every question
SUFFIXES = (".jpg", ".png")


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
    names = [f"{prefix}_{number:012d}{suffix}" for suffix in SUFFIXES]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise TrainerError(f"image {number} is missing: {folder} has no {' and no '.join(names)}")
    return found
