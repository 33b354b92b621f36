"""Pictures of a run: its learning curves, and what a network that selects makes of some images.

Drawn with Pillow at twice their size and brought down at the end, which smooths lines and text.
"""

from __future__ import annotations

import io
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from trainer.data.dataset import Split, Textures
from trainer.errors import TrainerError
from trainer.model.arr_coc import LEAST_TOKENS, MOST_TOKENS, TIERS, ArrCoc, whole_tokens
from trainer.storage import write_bytes

Colour = tuple[int, int, int]
Point = tuple[float, float]

SCALE = 2
INK: Colour = (40, 40, 40)
PALE: Colour = (222, 222, 222)
PAPER: Colour = (255, 255, 255)
# Okabe and Ito's colours, told apart by colour-blind readers too.
LINES: tuple[Colour, ...] = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
TEXT = 13  # pixels
FEW = 30  # a named curve of so few points shows each
PANEL = 300  # pixels per side
GAP, MARGIN, TOP, ROW = 84, 24, 44, PANEL + 76
HEAT: tuple[Colour, ...] = ((255, 255, 255), (254, 217, 142), (217, 95, 14), (110, 30, 4))
TOKENS: tuple[Colour, ...] = ((226, 240, 250), (107, 174, 214), (8, 48, 107))
FRAME: Colour = (20, 120, 60)
RIGHT: Colour = (20, 120, 60)
WRONG: Colour = (190, 20, 20)
DARK = 0.5  # from this part of the token scale on, numbers are written in white
WIDTH, HEIGHT = 1000, 400
CURVE_FRAME = (390, 270)
Series = Mapping[tuple[str, str], Sequence[Point]]

LOSSES = {"loss": "whole", "answer_loss": "answer", "relevance_loss": "relevance"}
SCORES = {
    "accuracy": "all questions",
    "non_relational_accuracy": "non-relational",
    "relational_accuracy": "relational",
    "recall_at_k": "recall@K",
}
WINDOWS = 40  # a curve is smoothed over a window of a 40th of it


def write_picture(path: Path, draw: Callable[[], bytes]) -> bool:
    """Write a picture; one that cannot be drawn is a line, and no reason to lose a model."""
    try:
        write_bytes(path, draw())
    except Exception as error:  # noqa: BLE001 - whatever it is, the model is worth more
        path.unlink(missing_ok=True)
        print(f"no {path.name}: {' '.join(str(error).split())}", flush=True)
        return False
    return True


# ---- Relevance, kept patches and budgets of some images


@dataclass(frozen=True, slots=True)
class Example:
    """One question to one image, and what the network makes of it. Patches are [G, G]."""

    question: str
    answer: str
    truth: str
    colours: Tensor  # [G, G, 3] in [0, 1]
    relevance: Tensor
    tokens: Tensor
    kept: Tensor


def choose_examples(model: ArrCoc, data: Textures, count: int) -> list[Example]:
    """Take one question of each of the first held-out images, relational in every second one."""
    index = torch.arange(min(count, len(data.held_out)))
    batch = data.held_out.batch(index)
    model.eval()
    with torch.inference_mode():
        output = model(batch.textures, batch.tokens, batch.question)
    found = []
    for image in index.tolist():
        asked = wanted(batch.relational[image], relational=image % 2 == 1)
        side = (data.grid, data.grid)
        found.append(
            Example(
                question=text_of(data.held_out, data.words, image, asked),
                answer=data.answers[int(output.logits[image, asked].argmax())],
                truth=truth_of(data.answers, int(batch.answer[image, asked])),
                colours=batch.textures[image, :3].permute(1, 2, 0).cpu(),
                relevance=output.relevance[image, asked].view(side).cpu(),
                tokens=whole_tokens(output.budgets[image, asked]).view(side).cpu(),
                kept=output.kept[image, asked].view(side).cpu(),
            )
        )
    return found


def wanted(kinds: Tensor, *, relational: bool) -> int:
    """Find the first question of an image that is relational or not; the first of all where none is."""
    return int((kinds == relational).long().argmax())


def text_of(split: Split, words: list[str], image: int, asked: int) -> str:
    """Words of a question, as the network reads them."""
    row = int(split.tensors["question"][image, asked])
    return " ".join(words[number] for number in split.tensors["tokens"][row].tolist() if number)


def truth_of(answers: list[str], number: int) -> str:
    """Name of a true answer; one that training never had has none."""
    return answers[number] if number >= 0 else "(an answer not seen in training)"


def draw_examples(examples: list[Example]) -> bytes:
    """Draw a PNG with a row per example: the patches, their relevance, the budgets of the kept ones."""
    canvas = Canvas(MARGIN + 3 * (PANEL + GAP), TOP + ROW * len(examples))
    columns = [MARGIN + number * (PANEL + GAP) for number in range(3)]
    titles = ("the coarse image", "relevance; kept patches framed", "budgets in tokens")
    for x, title in zip(columns, titles, strict=True):
        canvas.text((x, 30), title, size=17, anchor="ls")
    for number, example in enumerate(examples):
        draw_example(canvas, example, columns, TOP + number * ROW)
    return canvas.png()


def draw_example(canvas: Canvas, example: Example, columns: list[int], y: float) -> None:
    """One row: its question and answer, then three panels."""
    right = example.answer == example.truth
    canvas.text((MARGIN, y + 24), f"{example.question}?", size=16, anchor="ls")
    words = f"answer: {example.answer}     truth: {example.truth}"
    canvas.text((MARGIN, y + 46), words, size=14, anchor="ls", colour=RIGHT if right else WRONG)
    total = f"{int(example.kept.sum())} patches, {int(example.tokens.sum()):,} tokens"
    canvas.text((columns[2], y + 46), total, size=14, anchor="ls")
    corners = [(float(x), y + 56) for x in columns]
    draw_patches(canvas, corners[0], example.colours)
    draw_relevance(canvas, corners[1], example)
    draw_tokens(canvas, corners[2], example)


def cells(corner: Point, grid: int) -> Iterator[tuple[int, int, Point, float]]:
    """Row, column, upper left corner and side of every patch of a panel."""
    side = PANEL / grid
    for row in range(grid):
        for column in range(grid):
            yield row, column, (corner[0] + column * side, corner[1] + row * side), side


def draw_patches(canvas: Canvas, corner: Point, colours: Tensor) -> None:
    """Mean colours of the patches: all that the textures hold of the image's colours."""
    for row, column, at, side in cells(corner, len(colours)):
        red, green, blue = (round(255 * part) for part in colours[row, column].tolist())
        canvas.box(at, (side, side), (red, green, blue))
    canvas.box(corner, (PANEL, PANEL), None, PALE)


def draw_relevance(canvas: Canvas, corner: Point, example: Example) -> None:
    """Draw the relevance map with the kept patches framed, and its scale."""
    for row, column, at, side in cells(corner, len(example.kept)):
        heat = shade(float(example.relevance[row, column]), HEAT)
        canvas.box(at, (side, side), heat, FRAME if example.kept[row, column] else None)
    canvas.box(corner, (PANEL, PANEL), None, PALE)
    draw_scale(canvas, corner, HEAT, (0, 1), (0, 0.5, 1))


def draw_tokens(canvas: Canvas, corner: Point, example: Example) -> None:
    """Draw the budgets of the kept patches as numbers and shades, and their scale."""
    for row, column, at, side in cells(corner, len(example.kept)):
        if example.kept[row, column]:
            tokens = int(example.tokens[row, column])
            part = (tokens - LEAST_TOKENS) / (MOST_TOKENS - LEAST_TOKENS)
            canvas.box(at, (side, side), shade(part, TOKENS))
            middle = (at[0] + side / 2, at[1] + side / 2)
            ink = PAPER if part > DARK else INK
            canvas.text(middle, str(tokens), size=10, anchor="mm", colour=ink)
    canvas.box(corner, (PANEL, PANEL), None, PALE)
    draw_scale(canvas, corner, TOKENS, (LEAST_TOKENS, MOST_TOKENS), TIERS)


def draw_scale(
    canvas: Canvas,
    corner: Point,
    anchors: tuple[Colour, ...],
    ends: tuple[float, float],
    marks: tuple[float, ...],
) -> None:
    """Draw the scale of a panel, at its right, with a tick at each mark."""
    x, y = corner[0] + PANEL + 10, corner[1]
    for step in range(PANEL):
        canvas.box((x, y + step), (12, 1), shade(1 - step / (PANEL - 1), anchors))
    canvas.box((x, y), (12, PANEL), None, PALE)
    for mark in marks:
        level = y + PANEL * (1 - (mark - ends[0]) / (ends[1] - ends[0]))
        canvas.line([(x + 12, level), (x + 16, level)])
        canvas.text((x + 20, min(max(level, y + 5), y + PANEL - 5)), f"{mark:g}", anchor="lm")


# ---- Learning curves, from metrics.jsonl


def read_series(path: Path) -> Series:
    """Read steps and values by split and name."""
    series: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        noted = json.loads(line)
        if noted["value"] is None:  # it was not finite
            continue
        series[noted["split"], noted["name"]].append((noted["step"], noted["value"]))
    return series


def draw_curves(series: Series, title: str) -> bytes:
    """Draw a PNG with the losses of training at the left and the validation scores at the right."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text((WIDTH / 2, 26), title, size=17, anchor="ms")
    losses = named(series, "train", LOSSES)
    if not losses:
        raise TrainerError("the log of the training steps is lost")
    scores = named(series, "validation", SCORES)
    last = max(step for points in losses.values() for step, _ in points)
    highest = max(value for points in losses.values() for _, value in smoothed(points))
    left = Axes(
        canvas, (70, 76), CURVE_FRAME, (0, last), (0, 1.1 * highest), "loss in training", "step"
    )
    for colour, points in zip(LINES, losses.values(), strict=False):
        left.curve(points, mixed(colour))
    for colour, (name, points) in zip(LINES, losses.items(), strict=False):
        left.curve(smoothed(points), colour, name=name)
    left.legend(top=True)
    right = Axes(
        canvas,
        (560, 76),
        CURVE_FRAME,
        (0, last),
        (0, 1),
        "fraction on the validation images",
        "step",
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


# ---- Drawing


class Canvas:
    """An image to draw on; all measures are pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def text(
        self, at: Point, words: str, *, size: int = TEXT, anchor: str = "la", colour: Colour = INK
    ) -> None:
        """Write words; the anchor is Pillow's: left, middle, right, then ascender, middle, baseline."""
        font = ImageFont.load_default(size * SCALE)
        self.pen.text(_scaled(at), words, fill=colour, font=font, anchor=anchor)

    def line(self, points: Sequence[Point], colour: Colour = INK, width: float = 1) -> None:
        """Draw through points."""
        whole = [_scaled(point) for point in points]
        self.pen.line(whole, fill=colour, width=round(width * SCALE), joint="curve")

    def box(
        self, corner: Point, size: Point, fill: Colour | None, outline: Colour | None = None
    ) -> None:
        """Fill or outline a rectangle, given its upper left corner and its size."""
        x, y = corner
        low, high = _scaled((x, y)), _scaled((x + size[0], y + size[1]))
        end = (high[0] - 1, high[1] - 1)
        self.pen.rectangle((low, end), fill=fill, outline=outline, width=SCALE)

    def png(self) -> bytes:
        """Bring the picture to its size and write it as PNG."""
        size = (self.image.width // SCALE, self.image.height // SCALE)
        buffer = io.BytesIO()
        self.image.resize(size, Image.Resampling.BOX).save(buffer, format="PNG", optimize=True)
        return buffer.getvalue()


def _scaled(point: Point) -> Point:
    return point[0] * SCALE, point[1] * SCALE


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that divide an interval into about so many parts: steps of 1, 2 or 5 * 10^n."""
    raw = (high - low) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Axes:
    """A frame with scales, drawn when it is made."""

    canvas: Canvas
    corner: Point  # upper left corner of the frame
    size: Point
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    title: str
    x_label: str
    named: list[tuple[str, Colour]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (x, y), (width, height) = self.corner, self.size
        self.canvas.text((x, y - 12), self.title, size=15, anchor="ls")
        self.canvas.text((x + width / 2, y + height + 34), self.x_label, anchor="ms")
        for value in ticks(*self.y_range):
            level = self.place(self.x_range[0], value)[1]
            self.canvas.line([(x, level), (x + width, level)], PALE)
            self.canvas.text((x - 6, level), f"{value:g}", anchor="rm")
        for value in ticks(*self.x_range):
            across = self.place(value, self.y_range[0])[0]
            self.canvas.line([(across, y + height), (across, y + height + 4)])
            self.canvas.text((across, y + height + 17), f"{value:,.0f}", anchor="ms")
        self.canvas.line([(x, y), (x, y + height), (x + width, y + height)])

    def place(self, x: float, y: float) -> Point:
        """Pixel of a point of the data; what lies outside is drawn at the border."""
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return (
            self.corner[0] + self.size[0] * min(max(across, 0), 1),
            self.corner[1] + self.size[1] * (1 - min(max(up, 0), 1)),
        )

    def curve(self, points: Sequence[Point], colour: Colour, *, name: str = "") -> None:
        """Draw a curve, a lone point or few points as dots too; a name puts it into the legend."""
        placed = [self.place(*point) for point in points]
        if len(placed) > 1:
            self.canvas.line(placed, colour, 1.7 if name else 1)
        for x, y in placed if len(placed) <= FEW and name else ():
            self.canvas.box((x - 2.5, y - 2.5), (5, 5), colour)
        if name:
            self.named.append((name, colour))

    def legend(self, *, top: bool) -> None:
        """Name the curves at the right, at the top or at the bottom."""
        x = self.corner[0] + self.size[0] - 12
        first = self.corner[1] + (14 if top else self.size[1] - 4 - 19 * len(self.named))
        for number, (name, colour) in enumerate(self.named):
            y = first + 19 * number
            width = ImageFont.load_default(TEXT).getlength(name)
            self.canvas.box((x - width - 34, y - 9), (width + 38, 18), PAPER)
            self.canvas.line([(x - width - 30, y), (x - width - 8, y)], colour, 2.5)
            self.canvas.text((x, y), name, anchor="rm")


def shade(value: float, anchors: Sequence[Colour]) -> Colour:
    """Colour of a value in [0, 1] on a scale through evenly spaced anchors."""
    places: npt.NDArray[np.float64] = np.linspace(0, 1, len(anchors))
    red, green, blue = (
        round(float(np.interp(value, places, [colour[part] for colour in anchors])))
        for part in range(3)
    )
    return red, green, blue
