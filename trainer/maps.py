"""What a network that selects makes of some images: relevance, kept patches and budgets, drawn."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.budgets import LEAST, MOST, TIERS, whole_tokens
from trainer.canvas import INK, PALE, PAPER, Canvas, Colour, Point, shade
from trainer.dataset import Split, Textures
from trainer.model import ArrCoc

PANEL = 300  # pixels per side
GAP, MARGIN, TOP, ROW = 84, 24, 44, PANEL + 76
HEAT: tuple[Colour, ...] = ((255, 255, 255), (254, 217, 142), (217, 95, 14), (110, 30, 4))
TOKENS: tuple[Colour, ...] = ((226, 240, 250), (107, 174, 214), (8, 48, 107))
FRAME: Colour = (20, 120, 60)
RIGHT: Colour = (20, 120, 60)
WRONG: Colour = (190, 20, 20)
DARK = 0.5  # from this part of the token scale on, numbers are written in white


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
        place = wanted(batch.relational[image], relational=image % 2 == 1)
        side = (data.grid, data.grid)
        found.append(
            Example(
                question=text_of(data.held_out, data.words, image, place),
                answer=data.answers[int(output.logits[image, place].argmax())],
                truth=truth_of(data.answers, int(batch.answer[image, place])),
                colours=batch.textures[image, :3].permute(1, 2, 0).cpu(),
                relevance=output.relevance[image, place].view(side).cpu(),
                tokens=whole_tokens(output.budgets[image, place]).view(side).cpu(),
                kept=output.kept[image, place].view(side).cpu(),
            )
        )
    return found


def wanted(kinds: Tensor, *, relational: bool) -> int:
    """Find the first question of an image that is relational or not; the first of all where none is."""
    return int((kinds == relational).long().argmax())


def text_of(split: Split, words: list[str], image: int, place: int) -> str:
    """Words of a question, as the network reads them."""
    row = int(split.tensors["question"][image, place])
    return " ".join(words[number] for number in split.tensors["tokens"][row].tolist() if number)


def truth_of(answers: list[str], number: int) -> str:
    """Name of a true answer; one that training never had has none."""
    return answers[number] if number >= 0 else "(an answer not seen in training)"


def draw_maps(examples: list[Example]) -> bytes:
    """Draw a PNG with a row per example: the patches, their relevance, the budgets of the kept ones."""
    canvas = Canvas(MARGIN + 3 * (PANEL + GAP), TOP + ROW * len(examples))
    columns = [MARGIN + number * (PANEL + GAP) for number in range(3)]
    titles = ("what the network sees", "relevance; kept patches framed", "budgets in tokens")
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
            part = (tokens - LEAST) / (MOST - LEAST)
            canvas.box(at, (side, side), shade(part, TOKENS))
            middle = (at[0] + side / 2, at[1] + side / 2)
            ink = PAPER if part > DARK else INK
            canvas.text(middle, str(tokens), size=10, anchor="mm", colour=ink)
    canvas.box(corner, (PANEL, PANEL), None, PALE)
    draw_scale(canvas, corner, TOKENS, (LEAST, MOST), TIERS)


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
