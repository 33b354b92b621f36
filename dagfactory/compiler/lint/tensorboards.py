"""TensorBoards of another region than the job's, which Vertex AI refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._machines import choices
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import is_open

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_NAME = re.compile(r"projects/[^/]+/locations/([^/]+)/tensorboards/[^/]+")


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find jobs, and fallbacks of jobs, in another region than their TensorBoard."""
    for choice in choices(plan):
        name = _NAME.fullmatch(choice.job.task.tensorboard or "")
        if name is None or is_open(name[1] + choice.region) or choice.region in ("", name[1]):
            continue
        falls_back = choice.region_path != choice.type_path
        here = choice.region_path if falls_back else (*choice.job.item.path, "tensorboard")
        message = f"the TensorBoard is in `{name[1]}` and the job in `{choice.region}`"
        help_ = "a job writes to a TensorBoard of its own region"
        yield Diagnostic("DF349", message, Pointer(here), help_)
