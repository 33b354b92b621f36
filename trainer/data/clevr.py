"""Sort-of-CLEVR, as pure functions of a seed, and `python -m trainer.data`, which writes it.

After "A simple neural network module for relational reasoning" (Santoro et al., 2017), section
4.3: 75x75 images of six objects, each of another colour, each a circle or a rectangle; ten
questions about one object and ten about relations between objects. Written in the exchange format.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.config import parse
from trainer.data.exchange import encode_png, write_checksums, write_shards
from trainer.settings import DataSettings
from trainer.storage import write_metrics
from trainer.vertex import current_context

SPLITS = ("train", "held_out")
CORNERS = ("x_min", "y_min", "x_max", "y_max")
SIDE = 75  # pixels
RADIUS = 5  # half the extent of an object, pixels
QUESTIONS_PER_KIND = 10
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "orange": (255, 156, 0),
    "gray": (128, 128, 128),
    "yellow": (255, 255, 0),
}
SHAPES = ("circle", "rectangle")
NON_RELATIONAL = {
    "shape": "what is the shape of the {} object",
    "left": "is the {} object on the left of the image",
    "top": "is the {} object at the top of the image",
}
RELATIONAL = {
    "closest": "what is the shape of the object closest to the {} object",
    "furthest": "what is the shape of the object furthest from the {} object",
    "count": "how many objects have the shape of the {} object",
}

Pixels = npt.NDArray[np.uint8]


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


@dataclass(frozen=True, slots=True)
class Thing:
    """One object: colour and shape names, centre in pixels."""

    colour: str
    shape: str
    y: int
    x: int

    def box(self) -> tuple[int, int, int, int]:
        """(x_min, y_min, x_max, y_max) in pixels, the maximum exclusive."""
        return self.x - RADIUS, self.y - RADIUS, self.x + RADIUS + 1, self.y + RADIUS + 1


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its answer and the objects it is about, each with its weight."""

    kind: str
    text: str
    answer: str
    relevant: tuple[tuple[Thing, float], ...]


def scene(generator: np.random.Generator) -> tuple[Thing, ...]:
    """Six objects in colour order whose extents do not overlap."""
    things: list[Thing] = []
    for colour in COLOURS:
        y, x = _free_centre(generator, things)
        things.append(Thing(colour, SHAPES[generator.integers(2)], y, x))
    return tuple(things)


def _free_centre(generator: np.random.Generator, things: list[Thing]) -> tuple[int, int]:
    """Draw a centre whose square extent touches no other."""
    while True:
        y, x = (int(v) for v in generator.integers(RADIUS, SIDE - RADIUS, size=2))
        if all(max(abs(y - thing.y), abs(x - thing.x)) > 2 * RADIUS for thing in things):
            return y, x


def draw(things: tuple[Thing, ...]) -> Pixels:
    """Pixels [75, 75, 3] of a scene on a white ground."""
    image = np.full((SIDE, SIDE, 3), 255, np.uint8)
    y, x = np.mgrid[:SIDE, :SIDE]
    for thing in things:
        away_y, away_x = abs(y - thing.y), abs(x - thing.x)
        if thing.shape == "circle":
            inside = away_y**2 + away_x**2 <= RADIUS**2
        else:
            inside = np.maximum(away_y, away_x) <= RADIUS
        image[inside] = COLOURS[thing.colour]
    return image


def questions(things: tuple[Thing, ...], generator: np.random.Generator) -> tuple[Question, ...]:
    """Ten questions about one object, then ten about relations; subjects drawn at random."""
    kinds = itertools.chain(
        itertools.repeat(tuple(NON_RELATIONAL), QUESTIONS_PER_KIND),
        itertools.repeat(tuple(RELATIONAL), QUESTIONS_PER_KIND),
    )
    return tuple(
        ask(names[generator.integers(len(names))], things[generator.integers(len(things))], things)
        for names in kinds
    )


def ask(kind: str, subject: Thing, things: tuple[Thing, ...]) -> Question:
    """Ask the question of a kind about a subject, and answer it.

    The subject has relevance 1. A relation can only be told by looking at all objects: there
    the others have relevance 1/2, otherwise none.
    """
    relational = kind in RELATIONAL
    text = (RELATIONAL if relational else NON_RELATIONAL)[kind].format(subject.colour)
    others = tuple((thing, 0.5) for thing in things if relational and thing is not subject)
    return Question(kind, text, answer(kind, subject, things), ((subject, 1.0), *others))


def answer(kind: str, subject: Thing, things: tuple[Thing, ...]) -> str:
    """Give the true answer; of equally distant objects the first in colour order counts."""
    if kind == "shape":
        return subject.shape
    if kind == "left":
        return "yes" if 2 * subject.x < SIDE - 1 else "no"
    if kind == "top":
        return "yes" if 2 * subject.y < SIDE - 1 else "no"
    if kind == "count":
        return str(sum(thing.shape == subject.shape for thing in things))
    others = [thing for thing in things if thing is not subject]
    choose = min if kind == "closest" else max
    return choose(others, key=lambda t: (t.y - subject.y) ** 2 + (t.x - subject.x) ** 2).shape


def image_and_questions(
    seed: int, split: int, index: int
) -> tuple[Pixels, tuple[Thing, ...], tuple[Question, ...]]:
    """Image `index` of a split: a pure function of its three numbers."""
    generator = np.random.default_rng([seed, split, index])
    things = scene(generator)
    return draw(things), things, questions(things, generator)
