"""`kubernetes`: run a container as a pod or a job, in Composer's own cluster or in one of GKE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from dagfactory.language.common import Duration, LabelText, Project, SpecModel, Text, bad
from dagfactory.language.job import Data
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import (
    GoogleTask,
    credentials,
    given,
    labels,
    lazy,
    poll,
    project,
    seconds,
)
from dagfactory.tasks._names import EnvName, KubernetesName

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

GKE = "airflow.providers.google.cloud.operators.kubernetes_engine."
OWN = "airflow.providers.cncf.kubernetes.operators."
OPERATORS = {
    ("gke", "pod"): GKE + "GKEStartPodOperator",
    ("gke", "job"): GKE + "GKEStartJobOperator",
    ("own", "pod"): OWN + "pod.KubernetesPodOperator",
    ("own", "job"): OWN + "job.KubernetesJobOperator",
}
NAMESPACES = {"own": "composer-user-workloads", "gke": "default"}
"""In Composer's cluster only the first is open to users' pods."""

OWN_CLUSTER = {
    "kubernetes_conn_id": "kubernetes_default",
    "config_file": "/home/airflow/composer_kube_config",
}
"""How Composer says a task reaches the cluster it runs in."""

CONTAINER = "base"
OF_A_JOB = ("completions", "parallelism", "backoff_limit", "keep_for")
Quantity: TypeAlias = str | int | float
Amounts: TypeAlias = dict[
    Annotated[Text, Field(examples=["cpu", "memory", "nvidia.com/gpu"])], Quantity
]


class Resources(SpecModel):
    """Compute resources of the container, in Kubernetes' units."""

    requests: Amounts = Field(
        {}, description="What it is given at least.", examples=[{"cpu": "500m", "memory": "2Gi"}]
    )
    limits: Amounts = Field(
        {}, description="What it gets at most.", examples=[{"memory": "4Gi", "nvidia.com/gpu": 1}]
    )


class SecretKey(SpecModel):
    """One entry of a Kubernetes Secret."""

    name: Text = Field(description="Name of the Secret.", examples=["wandb"])
    key: Text = Field(description="Key in it.", examples=["api-key"])


class Cluster(SpecModel):
    """A cluster of Google Kubernetes Engine."""

    name: Text = Field(description="Name.", examples=["ml-batch"])
    location: Text | None = Field(
        None,
        description="Region or zone; the environment's region if absent.",
        examples=["us-central1-b"],
    )
    project: Project | None = Field(
        None, description="Project; the environment's if absent.", examples=["my-clusters"]
    )
    internal_ip: bool = Field(default=False, description="Reach it by its internal address.")
    dns_endpoint: bool = Field(default=False, description="Reach it by its DNS endpoint.")


class Kubernetes(GoogleTask):
    """Run a container; the pod of an earlier attempt that still lives is found and watched."""

    type: Literal["kubernetes"]
    image: Text = Field(
        description="Container image.", examples=["us-docker.pkg.dev/p/ml/report:3"]
    )
    command: list[str] = Field(
        [], description="Command; the image's if absent.", examples=[["python", "-m", "report"]]
    )
    args: list[str] = Field(
        [],
        description="Arguments of the command.",
        examples=[["--model", "${tasks.train.model_dir}"]],
    )
    env: dict[EnvName, str] = Field(
        {}, description="Plain environment variables.", examples=[{"LEVEL": "info"}]
    )
    secrets: dict[EnvName, SecretKey] = Field(
        {},
        description="Variables whose values Kubernetes takes from its Secrets; never rendered.",
        examples=[{"WANDB_API_KEY": {"name": "wandb", "key": "api-key"}}],
    )
    resources: Resources = Field(
        Resources(), description="CPU, memory, GPUs.", examples=[{"requests": {"cpu": 2}}]
    )
    cluster: Cluster | None = Field(
        None, description="GKE cluster; Composer's own if absent.", examples=[{"name": "ml-batch"}]
    )
    namespace: KubernetesName | None = Field(
        None,
        description="Namespace; `composer-user-workloads` in Composer's cluster, else `default`.",
        examples=["training"],
    )
    run_as: Literal["pod", "job"] = Field(
        "pod", description="As a single pod, or as a Kubernetes Job.", examples=["job"]
    )
    completions: int | None = Field(
        None, ge=1, description="Pods that must succeed (job).", examples=[8]
    )
    parallelism: int | None = Field(
        None, ge=1, description="Pods at the same time (job).", examples=[4]
    )
    backoff_limit: int | None = Field(
        None, ge=0, description="Failed pods before the job fails (job).", examples=[3]
    )
    keep_for: Duration | None = Field(
        None, description="How long a finished job is kept (job).", examples=["1d"]
    )
    name: KubernetesName | None = Field(
        None, description="Name of the pod, made unique; the task's if absent.", examples=["report"]
    )
    service_account: Text | None = Field(
        None, description="Kubernetes service account.", examples=["trainer"]
    )
    pull: Literal["always", "if_not_present", "never"] | None = Field(
        None, description="When the image is pulled.", examples=["always"]
    )
    pull_secrets: list[Text] = Field(
        [], description="Secrets for private registries.", examples=[["registry"]]
    )
    node_selector: dict[Text, str] = Field(
        {},
        description="Labels of the nodes that may be used.",
        examples=[{"cloud.google.com/gke-spot": "true"}],
    )
    tolerations: list[dict[Text, Data]] = Field(
        [],
        description="Taints of nodes to put up with.",
        examples=[[{"key": "gpu", "operator": "Exists"}]],
    )
    labels: dict[LabelText, LabelText] = Field(
        {}, description="Labels.", examples=[{"app": "report"}]
    )
    annotations: dict[Text, str] = Field({}, description="Annotations.", examples=[{"owner": "ml"}])
    pod: dict[Text, Data] = Field(
        {},
        description="Further fields of the pod's `spec` (volumes, affinity …), as in Kubernetes.",
        examples=[{"priorityClassName": "batch"}],
    )
    startup_timeout: Duration | None = Field(
        None, description="How long the pod may take to start; 2 m if absent.", examples=["15m"]
    )
    on_finish: Literal["delete", "delete_if_succeeded", "keep"] = Field(
        "delete", description="What becomes of the pod.", examples=["keep"]
    )
    result: bool = Field(
        default=False,
        description="Read the result from `/airflow/xcom/return.json` in the container.",
    )
    poll: Duration | None = Field(
        None, description="How often Airflow asks for the state.", examples=["30s"]
    )

    @model_validator(mode="after")
    def _consistent(self) -> Kubernetes:
        for key in OF_A_JOB:
            if self.run_as == "pod" and key in self.model_fields_set:
                raise bad(f"`{key}` is for jobs", "add `run_as: job`", (key,))
        for name in self.secrets:
            if name in self.env:
                raise bad(f"`{name}` is set by `env` and by `secrets`", at=("secrets", name))
        if "containers" in self.pod:
            raise bad("the container is described by the task's own keys", at=("pod", "containers"))
        if self.cluster is None and (self.connection or self.impersonate):
            key = "connection" if self.connection else "impersonate"
            raise bad(f"`{key}` is for a GKE cluster", "add `cluster:`", (key,))
        return self


def outputs(task: Kubernetes, context: TaskContext) -> dict[str, str]:
    """Offer what the container left as its result, if it is read."""
    return {"result": context.xcom()} if task.result else {}


def lower(task: Kubernetes, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator for the cluster and the kind, imported when the task runs."""
    cluster = "gke" if task.cluster else "own"
    arguments = {
        **(_cluster(task.cluster, lowering) if task.cluster else OWN_CLUSTER),
        "namespace": task.namespace or NAMESPACES[cluster],
        "name": task.name or context.id.replace("_", "-"),
        **_container(task),
        **_pod(task, lowering),
        **(
            _job(task, lowering)
            if task.run_as == "job"
            else poll(task.poll, lowering, "poll_interval")
        ),
        "deferrable": True,
        **credentials(task),
    }
    return lazy(task, lowering, context, OPERATORS[cluster, task.run_as], arguments)


def _cluster(cluster: Cluster, lowering: LoweringContext) -> dict[str, Any]:
    """Return which cluster it is and how it is reached."""
    region = lowering.environment.region if lowering.environment else None
    return {
        **project(cluster.project, lowering),
        "location": cluster.location or region,
        "cluster_name": cluster.name,
        **given(
            {
                "use_internal_ip": cluster.internal_ip or None,
                "use_dns_endpoint": cluster.dns_endpoint or None,
            }
        ),
    }


def _container(task: Kubernetes) -> dict[str, Any]:
    """Return what the operator has arguments of plain data for."""
    policies = {"always": "Always", "if_not_present": "IfNotPresent", "never": "Never"}
    return {
        "image": task.image,
        **given(
            {
                "cmds": list(task.command),
                "arguments": list(task.args),
                "env_vars": dict(task.env),
                "image_pull_policy": policies[task.pull] if task.pull else None,
                "do_xcom_push": task.result or None,
            }
        ),
    }


def _pod(task: Kubernetes, lowering: LoweringContext) -> dict[str, Any]:
    """Return what concerns the pod; the operator merges the template with its other arguments."""
    start = int(task.startup_timeout.total_seconds()) if task.startup_timeout else None
    actions = {
        "delete": "delete_pod",
        "delete_if_succeeded": "delete_succeeded_pod",
        "keep": "keep_pod",
    }
    return given(
        {
            "service_account_name": task.service_account,
            "node_selector": dict(task.node_selector),
            "labels": labels(task.labels, lowering),
            "annotations": dict(task.annotations),
            "startup_timeout_seconds": start,
            "active_deadline_seconds": seconds(task, lowering),
            "on_finish_action": actions[task.on_finish],
            "pod_template_dict": _template(task),
        }
    )


def _template(task: Kubernetes) -> dict[str, Any]:
    """Return a pod with what the operator takes as objects of the Kubernetes client only."""
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": entry.name, "key": entry.key}}}
        for name, entry in task.secrets.items()
    ]
    resources = given({"requests": task.resources.requests, "limits": task.resources.limits})
    container = given({"env": secrets, "resources": resources})
    spec = given(
        {
            "tolerations": list(task.tolerations),
            "imagePullSecrets": [{"name": name} for name in task.pull_secrets],
        }
    )
    if container:
        spec["containers"] = [{"name": CONTAINER, **container}]
    spec |= task.pod
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec} if spec else {}


def _job(task: Kubernetes, lowering: LoweringContext) -> dict[str, Any]:
    """Return what concerns a Kubernetes Job."""
    return {
        "wait_until_job_complete": True,
        **given(
            {
                "completions": task.completions,
                "parallelism": task.parallelism,
                "backoff_limit": task.backoff_limit,
                "ttl_seconds_after_finished": int(task.keep_for.total_seconds())
                if task.keep_for
                else None,
            }
        ),
        **poll(task.poll, lowering, "job_poll_interval"),
    }


def problems(
    task: Kubernetes, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment, when a GKE cluster needs its project or region."""
    cluster = task.cluster
    if cluster and not (cluster.project and cluster.location):
        yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(Kubernetes, lower, outputs=outputs, problems=problems)
