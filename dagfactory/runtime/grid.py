"""A sweep as data, and the trials it defines: pure, ordered and the same on every machine.

``{"method": "grid", "parameters": {name: [value, …]}, "exclude": [{…}], "include": [{…}],
"seeds": [0, 1]}``. Parameters vary in the given order, the last one fastest; ``include`` follows
the grid; seeds are innermost. With ``"trials": n`` and ``"draw_seed"`` the points are sampled instead,
by ``"draw"`` or else by the method, and a parameter may be a range (see `sampling`).

``"pack": 8`` groups trials for jobs that train up to 8 together; ``"shape": [name, …]`` are the
parameters that must be equal in all trials of a job.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import sampling

Sweep: TypeAlias = Mapping[str, Any]
Parameters: TypeAlias = dict[str, Any]

ID_LENGTH = 10
DRAWS_PER_POINT = 20
"""Draws for each point that is wanted, before a search gives up."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of a sweep: ``id`` names its directory, ``group`` joins the seeds of one point."""

    id: str
    parameters: Parameters
    group: str


def count(sweep: Sweep) -> int:
    """Return the number of trials of a sweep."""
    return len(trials(sweep))


def trial(sweep: Sweep, index: int) -> Trial:
    """Return the trial at an index; raise IndexError outside ``0 … count - 1``."""
    every = trials(sweep)
    if not 0 <= index < len(every):
        raise IndexError(f"trial {index} of a sweep of {len(every)}")
    return every[index]


def trials(sweep: Sweep) -> list[Trial]:
    """Return every trial in order; a combination that occurs twice is one trial."""
    return list(with_seeds(points(sweep), sweep.get("seeds")))


def points(sweep: Sweep) -> list[Parameters]:
    """Return every combination without its seeds, in order; each occurs once."""
    found: dict[str, Parameters] = {}
    made = _sampled(sweep) if "trials" in sweep else _grid(sweep)
    # by id and not by equality: `{"a": 1}` and `{"a": True}` are equal in Python and two trials here
    for point in itertools.chain(made, sweep.get("include") or []):
        found.setdefault(trial_id(dict(point)), dict(point))
    return list(found.values())


def with_seeds(found: Iterable[Parameters], seeds: Sequence[int] | None) -> Iterator[Trial]:
    """Yield a trial for each point and seed, seeds innermost."""
    for point in found:
        for seeded in [{"seed": seed} for seed in dict.fromkeys(seeds or ())] or [{}]:
            parameters = {**point, **seeded}
            yield Trial(trial_id(parameters), parameters, trial_id(point))


def packs(sweep: Sweep) -> list[tuple[Trial, ...]]:
    """Return the trials of each job: equal in shape, in order, ``pack`` at most."""
    shape, size = sweep.get("shape") or (), sweep["pack"]
    same_shape: dict[str, list[Trial]] = {}
    for each in trials(sweep):
        key = json.dumps([each.parameters.get(name) for name in shape])  # a value can be a list
        same_shape.setdefault(key, []).append(each)
    return [
        tuple(group[first : first + size])
        for group in same_shape.values()
        for first in range(0, len(group), size)
    ]


def pack(sweep: Sweep, index: int) -> tuple[Trial, ...]:
    """Return the trials of the job at an index; raise IndexError outside the packs."""
    every = packs(sweep)
    if not 0 <= index < len(every):
        raise IndexError(f"pack {index} of a sweep of {len(every)}")
    return every[index]


def trial_id(parameters: Parameters) -> str:
    """Return the first 10 hex digits of the SHA-256 of the parameters as canonical JSON."""
    # Not an index: a sweep that gets one value more keeps the directories of its other trials.
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


def _grid(sweep: Sweep) -> Iterator[Parameters]:
    parameters: Mapping[str, list[Any]] = sweep.get("parameters") or {}
    if not parameters:
        return
    for values in itertools.product(*parameters.values()):
        point = dict(zip(parameters, values, strict=True))
        if not _excluded(point, sweep):
            yield point


def _sampled(sweep: Sweep) -> Iterator[Parameters]:
    """Sample until enough different points are found; give up after a number of draws."""
    # A range of integers may hold fewer points than are wanted, and nothing counts them.
    wanted: int = sweep["trials"]
    found: set[str] = set()
    method = sweep.get("draw", sweep.get("method"))
    endless = sampling.points(method, sweep["parameters"], sweep.get("draw_seed", 0))
    for point in itertools.islice(endless, DRAWS_PER_POINT + DRAWS_PER_POINT * wanted):
        name = trial_id(point)
        if len(found) == wanted:
            return
        if name not in found and not _excluded(point, sweep):
            found.add(name)
            yield point


def _excluded(point: Parameters, sweep: Sweep) -> bool:
    return any(_matches(point, rule) for rule in sweep.get("exclude") or [])


def _matches(point: Parameters, rule: Mapping[str, Any]) -> bool:
    return all(name in point and _same(point[name], value) for name, value in rule.items())


def _same(left: Any, right: Any) -> bool:
    # In Python `True == 1`; in a sweep `exclude: [{flag: true}]` must not hit `flag: 1`.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
