"""Images whose tag moves: a retry, or the same DAG next week, would run other code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import is_open

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

_PREBUILT = re.compile(r"(us|europe|asia)-docker\.pkg\.dev/vertex-ai/training/")
_HELP = "name a version, or a digest (`IMAGE@sha256:...`): a retry then runs the same code"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find images without a tag or with the tag `latest`."""
    for path, image in _images(plan):
        words = _moving(image)
        if words:
            yield Diagnostic(
                "DF301",
                f"`{shorten(image)}` {words}",
                Pointer(path),
                help=_HELP,
                severity="warning",
            )


def _images(plan: Plan) -> Iterator[tuple[KeyPath, str]]:
    if plan.pipeline.defaults.image:
        yield ("defaults", "image"), plan.pipeline.defaults.image
    for item in plan.tasks.values():
        image = item.task.field("image")
        if isinstance(image, str):
            yield (*item.path, "image"), image
        serving = item.task.field("serving")
        if serving:
            yield (*item.path, "serving", "image"), serving.image


def _moving(image: str) -> str | None:
    """Return what makes an image move, or None for one that stays."""
    name = image.rpartition("/")[2]
    # Google's prebuilt training images have the tag `latest` alone, and the version in the name
    if "@" in name or is_open(image) or _PREBUILT.match(image):
        return None
    tag = name.partition(":")[2]
    if not tag:
        return "has no tag, which means `latest`"
    return "moves with every push" if tag == "latest" else None
