"""Machines that custom training does not have, or not in this region, by Google's own lists.

Families that the lists do not hold may be newer and are warned of; serving has other machines, of
which only the names are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.catalogue.machine_search import nearest, with_gpu
from dagfactory.catalogue.machines import accelerators, listed_on, offering, regions, shapes
from dagfactory.compiler.lint._machines import WAY_ON, Choice, choices, sources, vouched_for
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import is_open

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

_FORM = re.compile(r"[a-z]{1,3}[0-9][a-z0-9]*(-[a-z]+)?-[a-z]*[0-9]+[a-z]*(-[a-z0-9]+)*")
"""A family with a number, a kind, a size: n1-standard-8, ct5lp-hightpu-4t, c3-standard-88-lssd."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find machines that a job or a deployment could not get."""
    for choice in choices(plan):
        if "type" in choice.own:
            yield from _unknown(choice.type, choice.type_path)
        yield from _elsewhere(choice)
    for item in plan.tasks.values():
        if item.task.type == "deploy":
            name = item.task.field("machine").type
            if not (_FORM.fullmatch(name) or is_open(name) or name in vouched_for(plan)):
                yield _wrong(name, (*item.path, "machine", "type"), "machine type")


def _unknown(name: str, path: KeyPath) -> Iterator[Diagnostic]:
    """Find a name that is not in the list, wrong or newer than it."""
    if name in shapes() or is_open(name):
        return
    families = {each.family for each in shapes().values()}
    if not _FORM.fullmatch(name) or name.partition("-")[0] in families:
        yield _wrong(name, path, "machine type of custom training")
        return
    message = f"`{shorten(name)}` is not in the list of machines for custom training"
    note = f"by Google's list of {listed_on()}"
    yield Diagnostic("DF343", message, Pointer(path), WAY_ON, (note,), severity="warning")


def _wrong(name: str, path: KeyPath, noun: str) -> Diagnostic:
    message = f"`{shorten(name)}` is not a {noun}"
    notes = sources() if _FORM.fullmatch(name) else ()
    return Diagnostic("DF343", message, Pointer(path), _meant(name), notes)


def _meant(name: str) -> str:
    """Return the nearest machine with its accelerators in words."""
    found = nearest(name)
    if found:
        has = f" ({found.words})" if found.words else ""
        return f"did you mean `{found.name}`{has}?"
    for shape, gpu, _ in with_gpu(name):
        return f"write `type: {shape.name}` and `accelerator: {{type: {gpu}}}`"
    return "`dagfactory machines` lists what there is"


def _elsewhere(choice: Choice) -> Iterator[Diagnostic]:
    """Find an accelerator that the region does not offer."""
    shape, wanted = choice.shape, choice.gpu
    if shape is None or not (shape.words or wanted in shape.attachable):
        return
    wanted = shape.tpu or wanted
    # a region that the list lacks altogether is newer than the list, or a reference
    if choice.region in regions() and offering(wanted) and wanted not in regions()[choice.region]:
        what = choice.type if shape.words else accelerators()[wanted].words
        yield Diagnostic(
            "DF307",
            f"`{choice.region}` offers no `{what}` for training",
            Pointer(choice.region_path),
            _nearby(choice.region, wanted),
            sources(),
        )


def _nearby(region: str, accelerator: str) -> str:
    """Name regions that offer it, those of the same part of the world first."""
    world = region.partition("-")[0]
    near = sorted(offering(accelerator), key=lambda each: (each.partition("-")[0] != world, each))
    return f"{accelerators()[accelerator].words} is offered in " + ", ".join(
        f"`{each}`" for each in near[:3]
    )
