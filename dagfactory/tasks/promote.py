"""`promote`: put an alias, such as `champion`, on a version of a registered model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import Text, bad, is_open
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_arguments, cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._names import VersionAlias

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

_VERSION = re.compile(r"projects/[^/]+/locations/[^/]+/models/[^/@]+@[^/@]+")


def _version(text: str) -> str:
    if is_open(text) or _VERSION.fullmatch(text):
        return text
    raise bad(
        f"`{shorten(text)}` is not a version of a model",
        "write `${tasks.ID.model}` of an `upload_model`, or `projects/…/models/ID@VERSION`",
    )


class Promote(TaskBase):
    """Move an alias to a model version; the version that holds it loses it."""

    type: Literal["promote"]
    model: Annotated[Text, AfterValidator(_version)] = Field(
        description="Resource name of a model version.", examples=["${tasks.register.model}"]
    )
    alias: VersionAlias = Field(
        default="champion", description="Alias that the version gets.", examples=["champion"]
    )


def outputs(_task: Promote, context: TaskContext) -> dict[str, str]:
    """Offer the version, and the one that held the alias before."""
    return {"model": context.xcom("model"), "previous": context.xcom("previous")}


def lower(task: Promote, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the promoting operator."""
    arguments = {
        **cloud_arguments(lowering),
        "model": task.model,
        "alias": task.alias,
        **operator_arguments(task, lowering),
    }
    return context.operator(lowering.runtime("promote", "PromoteOperator"), arguments)


def problems(
    task: Promote, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(Promote, lower, outputs=outputs, problems=problems)
