"""Learning curves: a metrics.jsonl as series of points.

A line is `{"step": 1, "split": "val", "name": "loss", "value": 0.6}`, as the bundled trainer writes it, or
`{"step": 1, "loss": 0.6, "accuracy": 0.4}`, as most others do; `global_step` and `epoch` count as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagfactory.results.model import Curve
from dagfactory.results.reading import number

POINTS = 120
"""Points of a curve that are kept: a pixel more or less is not seen."""
SERIES = 40
"""Series of a file that are kept, the first ones."""
_STEPS = ("step", "global_step", "epoch", "iteration")
_LONG = ("name", "value")
_OF_NO_INTEREST = ("time", "timestamp", "wall_time", *_STEPS)


def curves(rows: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return the series of a file by name, each thinned out to some points."""
    found: dict[str, dict[float, float]] = {}
    for place, row in enumerate(rows, 1):
        step = _step(row, place)
        for name, value in _values(row):
            if name in found or len(found) < SERIES:
                # a program that was stopped and went on repeats some steps: the last one counts
                found.setdefault(name, {})[step] = value
    return {name: _curve(series) for name, series in found.items()}


def _step(row: Mapping[str, Any], place: int) -> float:
    found = (number(row.get(name)) for name in _STEPS)
    return next((step for step in found if step is not None), float(place))


def _values(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if all(name in row for name in _LONG):
        value = number(row["value"])
        split = f"{row['split']}/" if isinstance(row.get("split"), str) else ""
        if value is not None and isinstance(row["name"], str):
            yield f"{split}{row['name']}"[:80], value
        return
    for name, value in row.items():
        finite = number(value)
        if finite is not None and name not in _OF_NO_INTEREST:
            yield name[:80], finite


def _curve(series: Mapping[float, float]) -> Curve:
    steps = sorted(series)
    return thinned((steps, [series[step] for step in steps]), POINTS)


def thinned(curve: Curve, points: int) -> Curve:
    """Keep the first and last point and some in between, evenly."""
    steps, values = curve
    if len(steps) <= points:
        return curve
    last = len(steps) - 1
    kept = [round(place * last / (points - 1)) for place in range(points)]
    return [steps[each] for each in kept], [values[each] for each in kept]
