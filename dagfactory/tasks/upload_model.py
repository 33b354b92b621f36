"""`upload_model`: register a model directory in the Vertex AI Model Registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import LabelText, SpecModel
from dagfactory.language.job import VariableName
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_arguments, cloud_problems
from dagfactory.task_api.job import environment_variables
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Serving(SpecModel):
    """The container that answers predictions."""

    image: str = Field(
        description="Container image.", min_length=1, examples=["us-docker.pkg.dev/p/r/serve:1.4"]
    )
    predict: str | None = Field(default=None, description="HTTP path of predictions.")
    health: str | None = Field(default=None, description="HTTP path of the health check.")
    port: int | None = Field(default=None, ge=1, le=65535, description="Port of the server.")
    args: list[str] = Field(
        default_factory=list, description="Arguments of the container.", examples=[["--workers=2"]]
    )
    env: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Plain environment variables of the container.",
        examples=[{"BATCH": "16"}],
    )


class UploadModel(TaskBase):
    """Register a model; a name that exists gets a new version."""

    type: Literal["upload_model"]
    artifact: Address = Field(
        description="Address of the model directory.", examples=["${tasks.train.model_dir}"]
    )
    name: str | None = Field(default=None, description="Display name; the pipeline's id if absent.")
    serving: Serving = Field(
        description="The container that answers predictions.",
        examples=[{"image": "us-docker.pkg.dev/p/r/serve:1.4", "predict": "/predict"}],
    )
    aliases: list[str] = Field(
        default_factory=list, description="Aliases of the new version.", examples=[["staging"]]
    )
    description: str | None = Field(default=None, description="Description of the new version.")
    labels: dict[LabelText, LabelText] = Field(
        default_factory=dict, description="Labels of the model.", examples=[{"team": "vision"}]
    )


def outputs(_task: UploadModel, context: TaskContext) -> dict[str, str]:
    """Offer the resource name of the registered version."""
    return {"model": context.xcom("model")}


def lower(task: UploadModel, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the registering operator."""
    arguments: dict[str, Any] = {**cloud_arguments(lowering), "model": _model(task, lowering)}
    if task.aliases:
        arguments["aliases"] = list(task.aliases)
    labels = {**(lowering.environment.labels if lowering.environment else {}), **task.labels}
    if labels:
        arguments["labels"] = labels
    symbol = lowering.runtime("registry", "RegisterModelOperator")
    return context.operator(symbol, arguments | operator_arguments(task, lowering))


def _model(task: UploadModel, lowering: LoweringContext) -> dict[str, Any]:
    """Return Vertex's Model (REST JSON)."""
    serving = task.serving
    container: dict[str, Any] = {"imageUri": serving.image}
    if serving.predict:
        container["predictRoute"] = serving.predict
    if serving.health:
        container["healthRoute"] = serving.health
    if serving.port:
        container["ports"] = [{"containerPort": serving.port}]
    if serving.args:
        container["args"] = list(serving.args)
    if serving.env:
        container["env"] = environment_variables(serving.env)
    made: dict[str, Any] = {
        "displayName": task.name or lowering.pipeline.pipeline,
        "artifactUri": task.artifact,
        "containerSpec": container,
    }
    return made | ({"description": task.description} if task.description else {})


def problems(
    task: UploadModel, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(UploadModel, lower, outputs=outputs, problems=problems)
