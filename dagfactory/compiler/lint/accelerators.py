"""Accelerators that Vertex AI does not have, or that a machine cannot have, by Google's own lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from dagfactory.catalogue.machine_search import with_gpu
from dagfactory.catalogue.machines import Shape, accelerators, in_words
from dagfactory.compiler.lint._machines import Choice, choices, sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.language.common import is_open

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

_TPU = "TPU_"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find accelerators of jobs and deployments that do not exist or do not fit."""
    for choice in choices(plan):
        if choice.own and choice.gpu:
            yield from _ended(choice)
        if choice.own and choice.accelerator:
            path, known = choice.accelerator_path, choice.shape is not None
            unknown = list(_unknown(choice.accelerator.type, path, "error" if known else "warning"))
            yield from unknown or _pair(choice)
    for item in plan.tasks.values():
        attached = item.task.field("machine").accelerator if item.task.type == "deploy" else None
        if attached:
            yield from _unknown(attached.type, (*item.path, "machine", "accelerator"), "warning")


def _unknown(
    name: str, path: KeyPath, severity: Literal["error", "warning"]
) -> Iterator[Diagnostic]:
    """Find a name that is not one of Vertex AI's, which for a newer machine may be right."""
    names = [each for each in accelerators() if not each.startswith(_TPU)]
    if name not in names and not name.startswith(_TPU) and not is_open(name):
        yield Diagnostic(
            "DF308",
            f"Vertex AI knows no GPU `{shorten(name)}`",
            Pointer((*path, "type") if path[-1] == "accelerator" else path),
            help=did_you_mean(_vertex_style(name), names),
            severity=severity,
        )


def _vertex_style(name: str) -> str:
    """Turn other services' names (`nvidia-tesla-t4`, `T4`) into a text near to Vertex AI's."""
    upper = name.upper().replace("-", "_")
    short = [each for each in accelerators() if upper.removeprefix("NVIDIA_") in each.split("_")]
    return short[0] if short else upper


def _ended(choice: Choice) -> Iterator[Diagnostic]:
    known = accelerators().get(choice.gpu)
    if known and known.ended:
        message = f"Vertex AI ended its support for the {known.words} on {known.ended}"
        help_ = "write for example `NVIDIA_TESLA_T4` or `NVIDIA_TESLA_V100`"
        yield Diagnostic("DF348", message, Pointer(choice.accelerator_path), help_)


def _pair(choice: Choice) -> Iterator[Diagnostic]:
    """Find an accelerator, or a number of it, that the machine cannot have."""
    attached, shape = choice.accelerator, choice.shape
    if attached is None or shape is None or shape.gpus or (shape.tpu and _is_tpu(attached.type)):
        return
    counts = shape.attachable.get(attached.type, ())
    if attached.count in counts or is_open(attached.type):
        return
    what = in_words(attached.type, attached.count)
    yield Diagnostic(
        "DF344",
        f"`{shape.name}` cannot have {what}",
        Pointer(choice.accelerator_path),
        _possible(shape, attached.type, attached.count),
        sources(),
    )


def _is_tpu(name: str) -> bool:
    return name.startswith(_TPU)


def _possible(shape: Shape, gpu: str, count: int) -> str:
    """Say what can be had instead: another number, the GPU elsewhere, or another GPU."""
    counts = shape.attachable.get(gpu)
    if counts:
        return f"it can have {_either(map(str, counts))} of them"
    having = [(each, number) for each, name, number in with_gpu(gpu) if name == gpu]
    if having:
        other, number = min(having, key=lambda each: abs(each[1] - count))
        takes = "has" if other.gpus else "can have"
        return f"`{other.name}` {takes} {in_words(gpu, number)}"
    if shape.attachable:
        can = (each for each in shape.attachable if not accelerators()[each].ended)
        return f"it can have {_either(f'`{each}`' for each in can)}"
    return "delete `accelerator`: no GPU can be attached to it"


def _either(words: Iterable[str]) -> str:
    *head, last = words
    return f"{', '.join(head)} or {last}" if head else last
