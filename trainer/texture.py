"""Thirteen texture channels per patch, normalised within each image.

The channels are those of ARR-COC's texture array with its two duplicates replaced by the
blue-yellow opponent channel and the local contrast. Nothing depends on other images.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

CHANNELS = (
    "red", "green", "blue", "luminance", "red_green", "gradient_x", "gradient_y",
    "edge", "y", "x", "eccentricity", "blue_yellow", "contrast",
)  # fmt: skip
EDGE = CHANNELS.index("edge")


def texture(images: Tensor, grid: int) -> Tensor:
    """Textures [B, 13, grid, grid] of images [B, 3, H, W] in [0, 1]."""

    def pool(values: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(values, grid)

    red, green, blue = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    luminance = 0.299 * red + 0.587 * green + 0.114 * blue
    gradient_x, gradient_y = sobel(luminance)
    edge = (gradient_x**2 + gradient_y**2 + 1e-8).sqrt()
    mean = pool(luminance)
    contrast = 2 * (pool(luminance**2) - mean**2).clamp_min(0).sqrt()
    layers = [
        pool(images), mean, pool((red - green + 1) / 2),
        unit_range(pool(gradient_x)), unit_range(pool(gradient_y)), unit_range(pool(edge)),
        positions(grid).expand(len(images), -1, -1, -1),
        pool(((red + green) / 2 - blue + 1) / 2), contrast,
    ]  # fmt: skip
    return torch.cat(layers, dim=1)


def sobel(values: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical gradients of [B, 1, H, W], the border repeated."""
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = functional.pad(values, (1, 1, 1, 1), mode="replicate")
    both = functional.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    return both[:, :1], both[:, 1:]


def unit_range(values: Tensor) -> Tensor:
    """Min-max normalise every map [B, C, H, W] by itself; a flat map becomes 0."""
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    return (values - low) / (high - low + 1e-6)


def positions(grid: int) -> Tensor:
    """Channels y, x and eccentricity [1, 3, grid, grid], all in [0, 1]."""
    axis = torch.linspace(0, 1, grid)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    eccentricity = ((y - 0.5) ** 2 + (x - 0.5) ** 2).sqrt() / math.sqrt(0.5)
    return torch.stack([y, x, eccentricity])[None]


def coverage(boxes: Tensor, side: tuple[int, int], grid: int) -> Tensor:
    """Fraction of every patch covered by boxes: [M, 4] in pixels -> [M, grid * grid].

    A box is (x_min, y_min, x_max, y_max); `side` is the image's (height, width).
    """
    height, width = side
    rows = _overlap(boxes[:, 1], boxes[:, 3], height, grid)
    columns = _overlap(boxes[:, 0], boxes[:, 2], width, grid)
    return (rows[:, :, None] * columns[:, None, :]).flatten(1)


def _overlap(low: Tensor, high: Tensor, extent: int, grid: int) -> Tensor:
    """Fraction [M, grid] of each of `grid` equal intervals that lies in [low, high)."""
    edges = torch.linspace(0, extent, grid + 1)
    top = torch.minimum(high[:, None], edges[None, 1:])
    bottom = torch.maximum(low[:, None], edges[None, :-1])
    return (top - bottom).clamp_min(0) * grid / extent
