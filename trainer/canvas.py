"""Drawing with Pillow: text, lines, axes with ticks, colour scales.

Everything is drawn at twice its size and brought down at the end, which smooths lines and text.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

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
