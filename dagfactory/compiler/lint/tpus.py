"""TPUs without a topology, and topologies without a TPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._machines import Choice, choices
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find TPU machines that Vertex AI refuses."""
    for choice in choices(plan):
        if choice.shape and "type" in choice.own:
            yield from _topology(choice)


def _topology(choice: Choice) -> Iterator[Diagnostic]:
    machine, path = choice.job.machine, choice.job.machine_path
    is_tpu = bool(choice.shape and choice.shape.tpu)
    if is_tpu and not machine.tpu_topology and not choice.accelerator:
        message = f"`{choice.type}` needs the topology of its TPUs, or an accelerator"
        help_ = "add for example `tpu_topology: 2x2`"
        yield Diagnostic("DF347", message, Pointer(choice.type_path), help_)
    if is_tpu and machine.replicas > 1:
        message = "a TPU job runs on one machine"
        yield Diagnostic("DF347", message, Pointer((*path, "replicas")), "delete `replicas`")
    # a fallback to another machine leaves the topology behind
    if machine.tpu_topology and not is_tpu and choice.type == machine.type:
        message = f"`{choice.type}` has no TPU"
        help_ = "delete `tpu_topology`, or choose a TPU such as `ct5lp-hightpu-4t`"
        yield Diagnostic("DF347", message, Pointer((*path, "tpu_topology")), help_)
