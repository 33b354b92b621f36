"""What `dagfactory machines` tells: which machines custom training has, where, how, and for how much."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from textwrap import wrap
from typing import Any

from dagfactory.catalogue.machine_search import nearest, with_gpu
from dagfactory.catalogue.machines import (
    Shape,
    accelerators,
    listed_on,
    offering,
    regions,
    shapes,
)
from dagfactory.catalogue.prices import WAYS, Price, price, priced_regions
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.wording import closest, either, shorten
from dagfactory.report import WIDTH

_MANY = 3
_MARKS = "abc"


@dataclass(frozen=True, slots=True)
class Offer:
    """A machine type, and the GPU that is to be attached to it, if one was asked for."""

    shape: Shape
    gpu: str = ""

    def attachable(self, region: str = "") -> list[str]:
        """Return the GPUs that can be attached (in a region): the one that was asked for, or all."""
        known = [gpu for gpu in self.shape.attachable if not accelerators()[gpu].ended]
        asked = [gpu for gpu in known if self.gpu in ("", gpu)]
        return [gpu for gpu in asked if not region or gpu in regions().get(region, ())]

    def words(self, region: str = "") -> str:
        """Return the accelerators it has, or those that can be attached (in a region) with their numbers."""
        return self.shape.words or ", ".join(
            f"+ {'/'.join(map(str, self.shape.attachable[gpu]))} x {accelerators()[gpu].words}"
            for gpu in self.attachable(region)
        )

    @property
    def regions(self) -> list[str] | None:
        """Return where it is offered; None for a machine of which no list says so."""
        wanted = self.gpu or self.shape.accelerator or self.shape.tpu
        return offering(wanted) or None

    def prices(self, region: str) -> dict[str, Price]:
        """Return the known prices of the machine in a region, by the ways it can be bought there."""
        found = {way: price(self.shape.name, region, way) for way in self.shape.ways(self.gpu)}
        return {way: each for way, each in found.items() if each}


def text(what: str) -> str:
    """Return the list as text: all machines, or those of a region, a GPU or one name."""
    if what in shapes():
        lines = _one(Offer(shapes()[what]))
    elif what in regions() or what in priced_regions("n1-standard-4"):
        lines = _in_region(what)
    else:
        lines = _many(_offers(what))
    return "\n".join([*lines, f"By Google's lists of {listed_on()}.", ""])


def as_json(what: str) -> str:
    """Return the same as JSON."""
    region = what if what in _all_regions() else ""
    offers = _there(what) if region else _offers(what)
    return json.dumps([_record(each, region) for each in offers], indent=2) + "\n"


def _all_regions() -> set[str]:
    return {*regions(), *priced_regions("n1-standard-4")}


def _offers(what: str) -> list[Offer]:
    """Return the machines that a word asks for; raises DagfactoryError for one that means nothing."""
    if not what or what in shapes():
        return [Offer(shape) for shape in shapes().values() if what in ("", shape.name)]
    found = [Offer(shape, "" if shape.gpus else gpu) for shape, gpu, _ in with_gpu(what)]
    if found:
        return list(dict.fromkeys(found))
    near = nearest(what)
    choices = [near.name] if near else closest(what, sorted(_all_regions()))
    remedy = f"did you mean {either(choices)}?" if choices else "write a machine, GPU or region"
    raise DagfactoryError(f"`{shorten(what)}` is not a machine, GPU or region; {remedy}")


def _there(region: str) -> list[Offer]:
    """Return the machines of a region, those of which no list says where they are among them."""
    every = [Offer(shape) for shape in shapes().values()]
    return [each for each in every if each.regions is None or region in each.regions]


def _one(offer: Offer) -> list[str]:
    """Describe one machine: a line for each region, with what is known of prices."""
    shape = offer.shape
    notes = _Notes()
    rows = [
        (
            region,
            *_cells(offer, region, notes),
            *(notes.cell(price(gpu, region, "standard")) for gpu in offer.attachable()),
        )
        for region in offer.regions or priced_regions(shape.name)
    ]
    has = f": {offer.words()}" if offer.words() else ""
    head = ("REGION", *WAYS, *(f"+ 1 x {accelerators()[gpu].words}" for gpu in offer.attachable()))
    shown = ["", *table(head, rows), ""] if rows else [""]
    return [f"{shape.name}{has}; {', '.join(shape.ways())}", *shown, *notes.lines()]


def _in_region(region: str) -> list[str]:
    """List the machines of a region with what is known of their prices."""
    notes = _Notes()
    rows = [
        (each.shape.name, each.words(region), *_cells(each, region, notes))
        for each in _there(region)
    ]
    return [*table(("MACHINE", "GPUS", *WAYS), rows), "", *notes.lines()]


def _many(offers: list[Offer]) -> list[str]:
    """List machines with where they are and how they are bought."""
    rows = [
        (each.shape.name, each.words(), " ".join(each.shape.ways(each.gpu)), _places(each.regions))
        for each in offers
    ]
    return [*table(("MACHINE", "GPUS", "BOUGHT", "REGIONS"), rows), ""]


def _places(names: list[str] | None) -> str:
    if not names or len(names) <= _MANY:
        return ", ".join(names or [])
    return f"{', '.join(names[:_MANY])} and {len(names) - _MANY} more"


def _cells(offer: Offer, region: str, notes: _Notes) -> list[str]:
    found = offer.prices(region)
    return [notes.cell(found.get(way)) for way in WAYS]


class _Notes:
    """The sources of the prices shown so far, each with a letter."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, str]] = []

    def cell(self, found: Price | None) -> str:
        """Return a price with the letter of its source, nothing for an unknown one."""
        if found is None:
            return ""
        source = (found.date, found.source)
        if source not in self._seen:
            self._seen.append(source)
        return f"{found.amount:.3f} {_MARKS[self._seen.index(source)]}"

    def lines(self) -> list[str]:
        """Return what the letters mean."""
        if not self._seen:
            return []
        known = [
            wrap(f"{mark}  {date or 'undated'}: {source}", WIDTH, subsequent_indent="   ")
            for mark, (date, source) in zip(_MARKS, self._seen, strict=False)
        ]
        return ["US dollars an hour, without disks:", *chain.from_iterable(known), ""]


def _record(offer: Offer, region: str) -> dict[str, Any]:
    shape = offer.shape
    built_in = {"type": shape.accelerator, "count": shape.gpus} if shape.gpus else None
    places = [region] if region else offer.regions or priced_regions(shape.name)
    return {
        "machine": shape.name,
        "accelerator": built_in,
        "attachable": {gpu: list(shape.attachable[gpu]) for gpu in offer.attachable(region)},
        "tpu": bool(shape.tpu),
        "provisioning": list(shape.ways(offer.gpu)),
        "regions": offer.regions,
        "prices": [
            {"region": place, "provisioning": way, **found._asdict()}
            for place in places
            for way, found in offer.prices(place).items()
        ],
    }
