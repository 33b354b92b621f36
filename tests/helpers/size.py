"""How much of a heavy proof is done: a fixed sample, or all of it where somebody asks for that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")

LONG = os.environ.get("DAGFACTORY_TEST_SIZE") == "long"
"""Set by `make long`."""

SEED = 20261126


def size(sample: int, full: int) -> int:
    """Return how many there shall be of what can be made at will."""
    return full if LONG else sample


def sampled(items: Sequence[Item], count: int) -> list[Item]:
    """Return all items in a long run, otherwise always the same `count` of them, in their order."""
    if LONG or count >= len(items):
        return list(items)
    chosen = Random(SEED).sample(range(len(items)), count)  # noqa: S311 - reproducible, not secret
    return [items[at] for at in sorted(chosen)]
