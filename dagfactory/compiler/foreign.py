"""Files that are mappings and not pipelines: what each is, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.validate.messages import not_a_mapping
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.wording import closest
from dagfactory.language.pipeline import Pipeline

if TYPE_CHECKING:
    from dagfactory.document.node import Node

__all__ = ["not_a_mapping", "other_file"]

_DAG_FACTORY = {"tasks", "task_groups", "default_args"}
"""What stands below a DAG's name, or below `default`, in a file of astronomer/dag-factory."""


def other_file(node: Node) -> Diagnostic | None:
    """Return the one thing to say about a mapping that is another kind of file than a pipeline."""
    value = node.value if isinstance(node.value, dict) else {}
    if not value or "tasks" in value:
        return None
    environment = {"environment", "project"} <= set(value)
    # a misspelt key is said as such; `pipeline` is a key of an environment's file as well
    if closest("tasks", value) or (closest("pipeline", value) and not environment):
        return None
    lacks, remedy = "it has neither `pipeline` nor `tasks`", "start with `pipeline: my_pipeline`"
    if environment:
        lacks, remedy = "it is an environment", "check a spec for it with `--env`"
    elif set(value) <= set(Pipeline.model_fields):
        remedy += "; a `defaults.yaml` is checked with the specs beside it"
    elif any(_DAG_FACTORY & set(each.keys) for each in value.values()):
        lacks, remedy = (
            "it looks like one of dag-factory",
            "turn it into specs: `dagfactory import FILE --out specs`",
        )
    return Diagnostic("DF121", f"this file is not a pipeline: {lacks}", node.span_of(("",)), remedy)
