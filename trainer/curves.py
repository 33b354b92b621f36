"""The learning curves of a run, drawn from its metrics.jsonl."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainer.canvas import LINES, PALE, Axes, Canvas, Point

WIDTH, HEIGHT = 1000, 400
FRAME = (390, 270)
Series = Mapping[tuple[str, str], Sequence[Point]]

LOSSES = {"loss": "whole", "answer_loss": "answer", "relevance_loss": "relevance"}
SCORES = {
    "accuracy": "all questions",
    "non_relational_accuracy": "non-relational",
    "relational_accuracy": "relational",
    "recall_at_k": "recall@K",
}
WINDOWS = 40  # a curve is smoothed over a window of a 40th of it


def read_series(path: Path) -> Series:
    """Read steps and values by split and name."""
    series: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        noted = json.loads(line)
        series[noted["split"], noted["name"]].append((noted["step"], noted["value"]))
    return series


def draw_curves(series: Series, title: str) -> bytes:
    """Draw a PNG with the losses of training at the left and the validation scores at the right."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text((WIDTH / 2, 26), title, size=17, anchor="ms")
    losses = named(series, "train", LOSSES)
    scores = named(series, "validation", SCORES)
    last = max(step for points in losses.values() for step, _ in points)
    highest = max(value for points in losses.values() for _, value in smoothed(points))
    left = Axes(canvas, (70, 76), FRAME, (0, last), (0, 1.1 * highest), "loss in training", "step")
    for colour, points in zip(LINES, losses.values(), strict=False):
        left.curve(points, mixed(colour))
    for colour, (name, points) in zip(LINES, losses.items(), strict=False):
        left.curve(smoothed(points), colour, name=name)
    left.legend(top=True)
    right = Axes(
        canvas, (560, 76), FRAME, (0, last), (0, 1), "fraction on the validation images", "step"
    )
    for colour, (name, points) in zip(LINES, scores.items(), strict=False):
        right.curve(points, colour, name=name)
    right.legend(top=False)
    return canvas.png()


def named(series: Series, split: str, names: Mapping[str, str]) -> dict[str, Sequence[Point]]:
    """Pick the series of a split that are there and not zero throughout."""
    found = {text: series.get((split, name), ()) for name, text in names.items()}
    return {text: points for text, points in found.items() if any(value for _, value in points)}


def smoothed(points: Sequence[Point]) -> list[Point]:
    """Means over windows that follow each other, each at its last step."""
    size = max(len(points) // WINDOWS, 1)
    parts = [points[first : first + size] for first in range(0, len(points), size)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def mixed(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Make a colour pale."""
    red, green, blue = ((3 * pale + full) // 4 for pale, full in zip(PALE, colour, strict=True))
    return red, green, blue
