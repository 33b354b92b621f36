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
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .points import Parameters, Points, Sweep, text

ID_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of a sweep: ``id`` names its directory, ``group`` joins the seeds of one point."""

    id: str
    parameters: Parameters
    group: str


def count(sweep: Sweep) -> int:
    """Return the number of trials of a sweep."""
    return len(points(sweep)) * len(seeds(sweep))


def trial(sweep: Sweep, index: int) -> Trial:
    """Return the trial at an index; raise IndexError outside ``0 … count - 1``."""
    place, seed = divmod(index, len(seeds(sweep)))
    try:
        return seeded(points(sweep)[place], seeds(sweep)[seed])
    except IndexError:
        raise IndexError(f"trial {index} of a sweep of {count(sweep)}") from None


def trials(sweep: Sweep) -> list[Trial]:
    """Return every trial in order; a combination that occurs twice is one trial."""
    return [seeded(point, seed) for point in points(sweep) for seed in seeds(sweep)]


def points(sweep: Sweep) -> Points:
    """Return every combination without its seeds, in order; each occurs once."""
    return Points(sweep)


def seeded(point: Parameters, seed: Parameters) -> Trial:
    """Return the trial of a point with a seed, which is empty or ``{"seed": 0}``."""
    group = trial_id(point)
    parameters = {**point, **seed}
    return Trial(trial_id(parameters) if seed else group, parameters, group)


def packs(sweep: Sweep) -> list[tuple[Trial, ...]]:
    """Return the trials of each job: equal in shape, in order, ``pack`` at most."""
    every = trials(sweep)
    return [tuple(every[place] for place in job) for job in pack_places(sweep)]


def pack(sweep: Sweep, index: int) -> tuple[Trial, ...]:
    """Return the trials of the job at an index; raise IndexError outside the packs."""
    every = pack_places(sweep)
    if not 0 <= index < len(every):
        raise IndexError(f"pack {index} of a sweep of {len(every)}")
    found, added = points(sweep), seeds(sweep)
    places = (divmod(place, len(added)) for place in every[index])
    return tuple(seeded(found[place], added[seed]) for place, seed in places)


def pack_places(sweep: Sweep) -> list[Sequence[int]]:
    """Return the indices of the trials of each job."""
    shape, size = sweep.get("shape") or (), sweep["pack"]
    same_shape = _by_shape(sweep, shape) if shape else [range(count(sweep))]
    return [
        group[first : first + size] for group in same_shape for first in range(0, len(group), size)
    ]


def _by_shape(sweep: Sweep, shape: Sequence[str]) -> Iterable[Sequence[int]]:
    """Return the indices of the trials of each shape, in the order of the first of each."""
    found: dict[tuple[str, ...], list[int]] = {}
    parts = ({**part, **seed} for part in points(sweep).parts(shape) for seed in seeds(sweep))
    for place, part in enumerate(parts):
        key = tuple(text(part.get(name)) for name in shape)
        found.setdefault(key, []).append(place)
    return found.values()


def seeds(sweep: Sweep) -> list[Parameters]:
    """Return what each seed adds to a point; nothing, once, without seeds."""
    return [{"seed": seed} for seed in dict.fromkeys(sweep.get("seeds") or ())] or [{}]


def trial_id(parameters: Parameters) -> str:
    """Return the first 10 hex digits of the SHA-256 of the parameters as canonical JSON."""
    # Not an index: a sweep that gets one value more keeps the directories of its other trials.
    found = json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(found.encode()).hexdigest()[:ID_LENGTH]
