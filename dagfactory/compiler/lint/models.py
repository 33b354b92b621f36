"""Models that are to serve before anybody registered them: Vertex AI refuses them, after training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._reference import sources
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_TAKE_REGISTERED = ("deploy", "batch_predict", "promote")
_REGISTRY = "upload_model"
_FILES = frozenset({"best", "checkpoint", "dir", "model_dir", "uri"})
"""Outputs that are addresses of a model's files."""

_FOLDERS = ("gs://", "${run.dir}", "${env.bucket}")


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find the address of files where a registered model belongs."""
    for item in plan.tasks.values():
        if item.task.type not in _TAKE_REGISTERED:
            continue
        text = getattr(item.task, "model", "")
        files = any(_FILES & set(ref.path[1:]) for ref, _ in sources(plan, text))
        # an error, not a warning: no Vertex AI takes it, which shows after the training is paid for
        if files or text.startswith(_FOLDERS):
            yield Diagnostic(
                "DF317",
                f"`{item.task.type}` needs a registered model, not the address of its files",
                Pointer((*item.path, "model")),
                help=_remedy(plan),
            )


def _remedy(plan: Plan) -> str:
    """Name the task that registers a model, or say that one is needed."""
    found = [name for name, item in plan.tasks.items() if item.task.type == _REGISTRY]
    if found:
        return f"write `${{tasks.{found[0]}.model}}`"
    return "register it first with a task of type `upload_model`, and write `${tasks.ID.model}`"
