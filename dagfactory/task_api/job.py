"""A job task as a Vertex AI CustomJobSpec (REST JSON) and the operator call that runs it.

Fields: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from dagfactory.catalogue.machines import shapes
from dagfactory.runtime.arguments import GNU, as_arguments, as_words
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.job_code import job_code

if TYPE_CHECKING:
    from dagfactory.language.job import Accelerator, Fallback, JobTask, Machine, PscInterface
    from dagfactory.task_api.context import LoweringContext, TaskContext

ANY_RESERVATION = "any"
DEFAULT_POLL = 30
"""Seconds, of the operators of `runtime/`."""

POLLS_PER_MINUTE = 300
"""Half of the requests that read resources which Vertex AI allows a project and region a minute:
https://cloud.google.com/vertex-ai/docs/quotas."""

STRATEGIES = {"standard": "STANDARD", "spot": "SPOT", "flex_start": "FLEX_START"}


def job_outputs(folder: str) -> dict[str, str]:
    """Return the addresses that Vertex derives from a job's base directory."""
    return {
        "uri": f"{folder}/model",
        "dir": folder,
        "model_dir": f"{folder}/model",
        "checkpoint": f"{folder}/checkpoints",
        "metrics": f"{folder}/model/metrics.json",
        "logs": f"{folder}/logs",
    }


def job_arguments(
    task: JobTask, lowering: LoweringContext, context: TaskContext, at_once: int | None = None
) -> dict[str, Any]:
    """Return the operator arguments of a job: the job itself, where it runs, its fallbacks.

    `at_once` is how many such jobs run at the same time, those of `for_each` by default.
    """
    machine = machine_of(task, lowering)
    environment = lowering.environment
    made: dict[str, Any] = {
        "project": environment.project if environment else "",
        "region": environment.region if environment else "",
        "job": job(task, machine, lowering, context),
    }
    labels = {**(environment.labels if environment else {}), **task.labels}
    if labels:
        made["labels"] = labels
    if machine.fallback:
        made["fallback"] = [_fallback(item, machine) for item in machine.fallback]
    if task.arguments != GNU:
        made["arguments"] = task.arguments
    if task.kms_key:
        made["kms_key"] = task.kms_key
    if task.experiment:
        made["experiment"] = task.experiment
    if at_once is None:
        at_once = (task.for_each and task.parallel) or 1
    return made | _poll(task, lowering, at_once) | operator_arguments(task, lowering, timeout=False)


def _poll(task: JobTask, lowering: LoweringContext, at_once: int) -> dict[str, int]:
    """Return how often each job is asked for: together at most half as often as Google allows."""
    own = task.poll or lowering.pipeline.defaults.poll
    least = math.ceil(at_once * 60 / POLLS_PER_MINUTE)
    if own:
        return {"poll": max(int(own.total_seconds()), least)}
    return {"poll": least} if least > DEFAULT_POLL else {}


def machine_of(task: JobTask, lowering: LoweringContext) -> Machine:
    """Return the task's machine or the pipeline's default; planning made sure that there is one."""
    machine = task.machine or lowering.pipeline.defaults.machine
    if machine is None:
        raise ValueError("a job without a machine reached lowering")
    return machine


def job(
    task: JobTask, machine: Machine, lowering: LoweringContext, context: TaskContext
) -> dict[str, Any]:
    """Return the CustomJobSpec."""
    account = task.service_account or (
        lowering.environment and lowering.environment.service_account
    )
    optional = {
        "serviceAccount": account,
        "network": task.network,
        "tensorboard": task.tensorboard,
        "enableWebAccess": task.enable_web_access,
        "persistentResourceId": task.persistent_resource,
        "pscInterfaceConfig": task.psc_interface and _psc_interface(task.psc_interface),
    }
    return {
        "workerPoolSpecs": _pools(task, machine, lowering),
        "scheduling": _scheduling(task, machine, lowering),
        **{key: value for key, value in optional.items() if value},
        "baseOutputDirectory": {"outputUriPrefix": context.dir},
    }


def _psc_interface(asked: PscInterface) -> dict[str, Any]:
    """Return the PscInterfaceConfig."""
    peerings = [
        {
            "domain": each.domain,
            "targetProject": each.target_project,
            "targetNetwork": each.target_network,
        }
        for each in asked.dns_peering
    ]
    made: dict[str, Any] = {"networkAttachment": asked.network_attachment}
    return made | ({"dnsPeeringConfigs": peerings} if peerings else {})


def machine_spec(
    kind: str, machine: Machine, attached: Accelerator | None, *, reserved: bool
) -> dict[str, Any]:
    """Return the MachineSpec of a machine type: its own accelerators, or the attached ones.

    With `reserved` it comes out of the machine's reservation, if there is one.
    """
    shape = shapes().get(kind)
    made: dict[str, Any] = {"machineType": kind}
    if shape and shape.gpus:
        made |= {"acceleratorType": shape.accelerator, "acceleratorCount": shape.gpus}
    elif attached:
        made |= {"acceleratorType": attached.type, "acceleratorCount": attached.count}
    # a fallback may leave the TPU behind; of a machine that is not listed only the spec knows
    if machine.tpu_topology and (shape is None or shape.tpu):
        made["tpuTopology"] = machine.tpu_topology
    if machine.reservation and reserved:
        made["reservationAffinity"] = _affinity(machine.reservation)
    return made


def _affinity(reservation: str) -> dict[str, Any]:
    """Return the ReservationAffinity of one reservation, or of any."""
    if reservation == ANY_RESERVATION:
        return {"reservationAffinityType": "ANY_RESERVATION"}
    return {
        "reservationAffinityType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": [reservation],
    }


def _pools(task: JobTask, machine: Machine, lowering: LoweringContext) -> list[dict[str, Any]]:
    """Return worker pool 0 (one machine) and, for more machines, pool 1 with the others."""
    pool: dict[str, Any] = {
        "machineSpec": machine_spec(machine.type, machine, machine.accelerator, reserved=True),
        "replicaCount": 1,
    }
    if machine.disk:
        pool["diskSpec"] = {
            "bootDiskType": machine.disk.type,
            "bootDiskSizeGb": machine.disk.size_gb,
        }
    if task.nfs_mounts:
        pool["nfsMounts"] = [
            {"server": each.server, "path": each.path, "mountPoint": each.mount_point}
            for each in task.nfs_mounts
        ]
    pool |= _program(task, lowering)
    if machine.replicas == 1:
        return [pool]
    # Vertex AI allows one machine in the first pool, which it calls the primary replica
    return [pool, {**pool, "replicaCount": machine.replicas - 1}]


def _program(task: JobTask, lowering: LoweringContext) -> dict[str, Any]:
    """Return what the machines run: a container, or packages in a prebuilt one, each under its key."""
    image = task.image or lowering.pipeline.defaults.image or ""
    made: dict[str, Any]
    code = job_code(task, lowering.pipeline)
    if code.packages:
        key = "pythonPackageSpec"
        bundle = lowering.environment.bundle_address if lowering.environment else ""
        made = {
            "executorImageUri": image,
            "packageUris": code.addresses(bundle),
            "pythonModule": code.module,
        }
    else:
        key, made = "containerSpec", {"imageUri": image}
        if task.module:
            made["command"] = ["python", "-m", task.module]
        elif task.command:
            made["command"] = list(task.command)
    return {key: made | _given(task, lowering)}


def _given(task: JobTask, lowering: LoweringContext) -> dict[str, Any]:
    """Return arguments, environment and secrets by reference, as both kinds of program have them."""
    made: dict[str, Any] = {}
    arguments = as_words(task.positional) + as_arguments(task.args, task.arguments)
    if arguments:
        made["args"] = arguments
    variables = dict(task.env)
    if task.secrets:
        variables["DAGFACTORY_SECRETS"] = _secrets(task.secrets, lowering)
    if variables:
        made["env"] = environment_variables(variables)
    return made


def environment_variables(variables: dict[str, str]) -> list[dict[str, str]]:
    """Return the EnvVars of a container."""
    return [{"name": name, "value": value} for name, value in variables.items()]


def _secrets(secrets: dict[str, str], lowering: LoweringContext) -> str:
    """Return the JSON that tells the trainer which secret versions to read."""
    project = lowering.environment.project if lowering.environment else ""
    return json.dumps({name: _version(value, project) for name, value in secrets.items()})


def _version(secret: str, project: str) -> str:
    """Return the full name of a secret's version, the latest unless one is given."""
    name = secret if secret.startswith("projects/") else f"projects/{project}/secrets/{secret}"
    return name if "/versions/" in name else f"{name}/versions/latest"


def _scheduling(task: JobTask, machine: Machine, lowering: LoweringContext) -> dict[str, Any]:
    """Return when the job may start, how long it may take, and whether it restarts."""
    made: dict[str, Any] = {}
    if machine.provisioning in STRATEGIES:
        made["strategy"] = STRATEGIES[machine.provisioning]
    limit = task.timeout or lowering.pipeline.defaults.timeout
    if limit:
        made["timeout"] = f"{int(limit.total_seconds())}s"
    if machine.max_wait:
        made["maxWaitDuration"] = f"{int(machine.max_wait.total_seconds())}s"
    made["restartJobOnWorkerRestart"] = task.restart
    return made


def _fallback(item: Fallback, machine: Machine) -> dict[str, Any]:
    """Return one override of the operator's fallback list."""
    made: dict[str, Any] = {}
    if item.region:
        made["region"] = item.region
    if item.provisioning:
        made["strategy"] = STRATEGIES[item.provisioning]
    # a reservation belongs to one region and one way to buy
    leaves = machine.reservation and (item.provisioning or item.region)
    if item.type or item.accelerator or leaves:
        kind, attached = item.type or machine.type, item.accelerator or machine.accelerator
        made["machineSpec"] = machine_spec(kind, machine, attached, reserved=False)
    return made
