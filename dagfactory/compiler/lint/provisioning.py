"""Machines that cannot be bought the way a job asks for, by Google's own lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import FLEX_START, accelerators
from dagfactory.compiler.lint._machines import Choice, choices, sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import either

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_LONGEST = timedelta(days=7)
"""Google's page on flex-start: no job runs longer."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find what is not sold on demand, what flex-start does not serve, what only reservations have."""
    default = plan.pipeline.defaults.timeout
    for choice in choices(plan):
        yield from _way(choice)
        limit = choice.job.task.timeout or default
        if choice.provisioning == FLEX_START and limit and limit > _LONGEST:
            own = choice.job.task.timeout is not None
            path = (*choice.job.item.path, "timeout") if own else ("defaults", "timeout")
            message = "a flex-start job runs for 7 days at most"
            help_ = "write `7d`, and let a retry go on from the checkpoint"
            yield Diagnostic("DF346", message, Pointer(path), help_)


def _way(choice: Choice) -> Iterator[Diagnostic]:
    shape = choice.shape
    # a GPU that does not exist is another check's finding
    unknown = choice.gpu not in ("", *accelerators())
    if shape is None or unknown or choice.provisioning in shape.ways(choice.gpu):
        return
    if not shape.only:
        yield _no_flex_start(choice)
    elif choice.provisioning == "standard" and len(shape.only) > 1:
        yield Diagnostic(
            "DF309",
            f"`{choice.type}` is not sold on demand",
            Pointer(choice.provisioning_path),
            help="write `provisioning: spot` or `provisioning: flex_start`, or use `a3-highgpu-8g`",
        )
    else:
        yield Diagnostic(
            "DF345",
            f"`{choice.type}` cannot be had with `provisioning: {choice.provisioning}`",
            Pointer(choice.provisioning_path),
            f"write {either(f'provisioning: {each}' for each in shape.only)}",
            sources(),
        )


def _no_flex_start(choice: Choice) -> Diagnostic:
    """Return what flex-start does not serve, with what it does."""
    known = accelerators().get(choice.gpu)
    words = choice.shape.words if choice.shape else ""
    what = known.words if known else words or "a machine without a GPU"
    served = [each.words for each in accelerators().values() if each.flex_start]
    return Diagnostic(
        "DF345",
        f"flex-start does not serve {what}",
        Pointer(choice.provisioning_path),
        f"it serves {', '.join(served)}; write `provisioning: spot` or `standard`",
        sources(),
    )
