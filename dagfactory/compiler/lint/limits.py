"""Limits of Vertex AI on names and labels that no single field knows.

Display names: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.models
Labels: https://cloud.google.com/resource-manager/docs/labels-overview
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import is_open
from dagfactory.runtime.labels import DISPLAY_LENGTH, LABEL_LENGTH, label

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask

MOST_LABELS = 64
OWN_LABELS = 4
"""Labels that the runtime adds to find its jobs and models again."""

_DISPLAYED = {"upload_model": "name", "deploy": "endpoint"}


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find names and labels that Vertex AI would refuse."""
    for item in plan.tasks.values():
        yield from _display_name(item)
        yield from _labels(plan, item)


def _display_name(item: PlannedTask) -> Iterator[Diagnostic]:
    key = _DISPLAYED.get(item.task.type)
    name = item.task.field(key) if key else None
    if key and name and not is_open(name) and len(name) > DISPLAY_LENGTH:
        message = f"a display name has at most {DISPLAY_LENGTH} characters, this one {len(name)}"
        yield Diagnostic("DF312", message, Pointer((*item.path, key)))


def _labels(plan: Plan, item: PlannedTask) -> Iterator[Diagnostic]:
    labels: dict[str, str] = item.task.field("labels") or {}
    path = (*item.path, "labels")
    for key, value in labels.items():
        if not key[:1].islower():
            message = f"the label `{key}` does not begin with a small letter"
            yield Diagnostic("DF312", message, Pointer((*path, key), key=True))
        yield from _invalid_label(key, (*path, key), on_key=True)
        yield from _invalid_label(value, (*path, key), on_key=False)
    shared = plan.environment.labels if plan.environment else {}
    total = len({**shared, **labels}) + OWN_LABELS
    if labels and total > MOST_LABELS:
        message = f"{total} labels with those of the environment and of dagfactory"
        yield Diagnostic(
            "DF312", message, Pointer(path, key=True), help=f"at most {MOST_LABELS} are allowed"
        )


def _invalid_label(text: str, path: tuple[str | int, ...], *, on_key: bool) -> Iterator[Diagnostic]:
    # a warning: the runtime writes the label in its valid form, and the job starts
    if not is_open(text) and label(text) != text:
        remedy = f"use at most {LABEL_LENGTH} of a-z, 0-9, `_` and `-`"
        message = f"the label `{shorten(text)}` would be written as `{shorten(label(text))}`"
        yield Diagnostic(
            "DF312", message, Pointer(path, key=on_key), help=remedy, severity="warning"
        )
