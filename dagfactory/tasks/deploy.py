"""`deploy`: put a registered model behind an endpoint with a share of its traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.language.common import ServiceAccount, SpecModel, bad
from dagfactory.language.job import Accelerator
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_arguments, cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import given

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


WHOLE = 100


class Traffic(SpecModel):
    """Percentages of an endpoint's traffic; the first model on an endpoint always gets all of it."""

    new: int = Field(default=100, ge=0, le=100, description="Share of the new version.")
    current: int = Field(default=0, ge=0, le=100, description="Share of what is deployed now.")

    @model_validator(mode="after")
    def _whole(self) -> Traffic:
        if self.new + self.current != WHOLE:
            total = self.new + self.current
            raise bad(f"`new` and `current` add up to {total}, not 100")
        return self


class ServingMachine(SpecModel):
    """The machines behind the endpoint."""

    type: str = Field(default="n1-standard-4", description="Machine type.")
    accelerator: Accelerator | None = Field(default=None, description="GPUs of each machine.")
    min_replicas: int = Field(default=1, ge=1, description="Fewest replicas.")
    max_replicas: int = Field(default=1, ge=1, description="Most replicas.")

    @model_validator(mode="after")
    def _ordered(self) -> ServingMachine:
        if self.max_replicas < self.min_replicas:
            raise bad("`max_replicas` is smaller than `min_replicas`", at=("max_replicas",))
        return self


class Deploy(TaskBase):
    """Deploy a model version to an endpoint, creating the endpoint when there is none."""

    type: Literal["deploy"]
    model: str = Field(
        description="Resource name of a model version.", examples=["${tasks.register.model}"]
    )
    endpoint: str = Field(description="Display name of the endpoint.", examples=["arr-coc-staging"])
    traffic: Traffic = Field(
        default_factory=Traffic,
        description="Traffic split in per cent.",
        examples=[{"new": 10, "current": 90}],
    )
    machine: ServingMachine = Field(
        default_factory=ServingMachine,
        description="Machines behind the endpoint.",
        examples=[{"type": "g2-standard-8", "max_replicas": 3}],
    )
    network: str | None = Field(
        default=None,
        description="VPC network of an endpoint that is created, full resource name.",
        examples=["projects/123/global/networks/ml"],
    )
    service_account: ServiceAccount | None = Field(
        default=None, description="Service account that the model's containers run as."
    )


def outputs(_task: Deploy, context: TaskContext) -> dict[str, str]:
    """Offer the endpoint's resource name."""
    return {"endpoint": context.xcom("endpoint")}


def lower(task: Deploy, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the deploying operator."""
    arguments = {
        **cloud_arguments(lowering),
        "model": task.model,
        "endpoint": task.endpoint,
        "traffic": {"new": task.traffic.new, "current": task.traffic.current},
        "machine": _resources(task.machine),
        **given({"network": task.network, "service_account": task.service_account}),
        **operator_arguments(task, lowering),
    }
    return context.operator(lowering.runtime("endpoint", "DeployModelOperator"), arguments)


def _resources(machine: ServingMachine) -> dict[str, Any]:
    """Return Vertex's DedicatedResources (REST JSON)."""
    spec: dict[str, Any] = {"machineType": machine.type}
    if machine.accelerator:
        spec["acceleratorType"] = machine.accelerator.type
        spec["acceleratorCount"] = machine.accelerator.count
    return {
        "machineSpec": spec,
        "minReplicaCount": machine.min_replicas,
        "maxReplicaCount": machine.max_replicas,
    }


def problems(
    task: Deploy, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(Deploy, lower, outputs=outputs, problems=problems)
