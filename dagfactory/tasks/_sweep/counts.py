"""How many points, trials and jobs a sweep has, counted once however often it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dagfactory.runtime import grid

_OF_POINTS = (
    "method",
    "draw",
    "draw_seed",
    "trials",
    "parameters",
    "when",
    "zip",
    "constraints",
    "exclude",
    "include",
)
"""Keys of a definition that say which points there are."""


def point_count(compact: Mapping[str, Any]) -> int:
    """Return the number of combinations, without seeds."""
    return _points(json.dumps({key: compact[key] for key in _OF_POINTS if key in compact}))


def trial_count(compact: Mapping[str, Any]) -> int:
    """Return the number of trials."""
    return point_count(compact) * len(grid.seeds(compact))


def pack_count(compact: Mapping[str, Any]) -> int:
    """Return the number of jobs of a sweep in packs."""
    return _packs(json.dumps(compact))


# By text: checking, pricing, rendering and the DAG's page each ask, and ten thousand draws take their time.
@lru_cache(maxsize=32)
def _points(definition: str) -> int:
    return len(grid.points(json.loads(definition)))


@lru_cache(maxsize=32)
def _packs(definition: str) -> int:
    return len(grid.pack_places(json.loads(definition)))
