"""`pipeline`: run a compiled Vertex AI pipeline (PipelineSpec) from the DAG, and use what it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import KmsKey, PositiveDuration, ServiceAccount, Text
from dagfactory.language.job import Data
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_arguments, cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address
from dagfactory.tasks._google import Labels, given, labels
from dagfactory.tasks._pipeline_template import (
    TemplatePath,
    is_address,
    packed,
    parameter_problems,
    template_of,
)

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline as Spec
    from dagfactory.task_api.context import LoweringContext, TaskContext

FAILURE_POLICIES = {
    "slow": "PIPELINE_FAILURE_POLICY_FAIL_SLOW",
    "fast": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
}


class Pipeline(TaskBase):
    """Run a compiled pipeline on Vertex AI Pipelines and wait for its end."""

    type: Literal["pipeline"]
    template: TemplatePath = Field(
        description="The compiled pipeline: a file of the project, or an address in Cloud Storage.",
        examples=["pipelines/evaluation.yaml", "gs://my-ml/pipelines/evaluation.json"],
    )
    params: dict[Text, Data] = Field(
        {},
        description="Parameters of the pipeline; null leaves one out.",
        examples=[{"model": "${tasks.train.uri}", "threshold": 0.8}],
    )
    root: Address | None = Field(
        None,
        description="Folder of its artifacts; the task's own below `${run.dir}` if absent.",
        examples=["gs://my-ml/pipelines"],
    )
    caching: bool | None = Field(
        None,
        description="Whether its tasks take results of earlier runs; as the template says if absent.",
    )
    failure_policy: Literal["slow", "fast"] | None = Field(
        None,
        description="What a failed task of it means for the others: `slow` lets those run that do "
        "not need it, `fast` starts none.",
    )
    labels: Labels = Field({}, description="Labels for billing reports.", examples=[{"team": "ml"}])
    service_account: ServiceAccount | None = Field(
        None, description="Service account of its jobs; the environment's if absent."
    )
    network: Text | None = Field(None, description="VPC network, full resource name.")
    kms_key: KmsKey | None = Field(None, description="Cloud KMS key of what it keeps.")
    poll: PositiveDuration | None = Field(
        None, description="How often Airflow asks for the state; 30 s if absent."
    )


def outputs(task: Pipeline, context: TaskContext) -> dict[str, Any]:
    """Offer the run, each output that the template declares, and those that are numbers as metrics."""
    template = template_of(task.template, context.project)
    names = template.outputs if template else ()
    made: dict[str, Any] = {"job": context.xcom("job")}
    if names:
        made["outputs"] = {name: context.xcom("outputs", name) for name in names}
        made["metrics"] = context.xcom("metrics").replace(" }}", " | tojson }}")
    return made


def lower(task: Pipeline, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the operator; a template of the project is read from the bundle."""
    environment = lowering.environment
    account = task.service_account or (environment and environment.service_account)
    made: dict[str, Any] = {
        **cloud_arguments(lowering),
        **({"poll": int(task.poll.total_seconds())} if task.poll else {}),
        "template": _address(task, lowering),
        "root": task.root or context.dir,
        **({"caching": task.caching} if task.caching is not None else {}),
        **given(
            {
                "parameters": task.params,
                "failure_policy": FAILURE_POLICIES.get(task.failure_policy or ""),
                "labels": labels(task.labels, lowering),
                "service_account": account,
                "network": task.network,
                "kms_key": task.kms_key,
            }
        ),
        **operator_arguments(task, lowering),
    }
    return context.operator(lowering.runtime("pipeline_run", "PipelineRunOperator"), made)


def _address(task: Pipeline, lowering: LoweringContext) -> str:
    if is_address(task.template):
        return task.template
    bundle = lowering.environment.bundle_address if lowering.environment else ""
    (path,) = files(task, lowering.pipeline)
    return f"{bundle}/{path}"


def files(task: Pipeline, spec: Spec) -> dict[str, bytes]:
    """Return the template of the project as a file of the bundle, by its path."""
    template = template_of(task.template, spec.project)
    return packed(template) if template else {}


def problems(
    task: Pipeline, spec: Spec, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a template that is none, and parameters that it does not take."""
    yield from cloud_problems(task, environment)
    template = template_of(task.template, spec.project)
    if template:
        yield from template.problems
        yield from parameter_problems(template, task.params)


TASK_TYPE = TaskType(Pipeline, lower, outputs=outputs, problems=problems, files=files)
