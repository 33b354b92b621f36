"""A job's keys become fields of Vertex AI's CustomJobSpec and of its fallbacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import CustomJobSpec

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import Operator
from dagfactory.language.job import Machine
from dagfactory.task_api.job import _fallback, machine_spec

T4 = {"acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 2}
T4_SPEC = {"type": "NVIDIA_TESLA_T4", "count": 2}
N1: dict[str, Any] = {
    "type": "n1-standard-8",
    "accelerator": {"type": "NVIDIA_TESLA_T4", "count": 2},
    "fallback": [{"type": "n1-standard-16"}, {"type": "g2-standard-4"}, {"region": "us-east4"}],
}
RESERVED: dict[str, Any] = {
    "type": "a3-highgpu-8g",
    "provisioning": "reservation",
    "reservation": "projects/p/zones/z/reservations/r",
    "fallback": [{"provisioning": "standard"}, {"type": "a2-highgpu-8g"}],
}


def fallbacks(data: dict[str, Any]) -> list[dict[str, Any]]:
    machine = Machine.model_validate(data)
    return [_fallback(item, machine) for item in machine.fallback]


def test_an_attached_gpu_goes_along_to_machines_without_one() -> None:
    larger, l4, elsewhere = fallbacks(N1)
    assert larger == {"machineSpec": {"machineType": "n1-standard-16", **T4}}
    assert l4["machineSpec"]["acceleratorType"] == "NVIDIA_L4"
    assert elsewhere == {"region": "us-east4"}


def test_a_fallback_leaves_the_reservation() -> None:
    machine = Machine.model_validate(RESERVED)
    assert "reservationAffinity" in machine_spec(machine.type, machine, None, reserved=True)
    for found in fallbacks(RESERVED):
        assert "reservationAffinity" not in found["machineSpec"]
    assert fallbacks(RESERVED)[0]["strategy"] == "STANDARD"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"type": "n1-standard-4", "reservation": "r"}, "go together"),
    ],
)
def test_machines_that_contradict_themselves(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Machine.model_validate(data)


EVERY: dict[str, Any] = {
    "type": "train",
    "module": "m",
    "image": "i:1",
    "machine": {
        "type": "ct5lp-hightpu-4t",
        "tpu_topology": "2x2",
        "provisioning": "reservation",
        "reservation": "any",
        "fallback": [{"type": "n1-standard-8", "accelerator": T4_SPEC, "provisioning": "spot"}],
    },
    "experiment": "arr-coc",
    "enable_web_access": True,
    "kms_key": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "persistent_resource": "training-cluster",
    "nfs_mounts": [{"server": "10.0.0.5", "path": "/data", "mount_point": "data"}],
    "psc_interface": {
        "network_attachment": "projects/p/regions/r/networkAttachments/jobs",
        "dns_peering": [{"domain": "corp.", "target_project": "p", "target_network": "n"}],
    },
}


def arguments(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the arguments of the only operator of a lowered spec."""
    (folder / "environments").mkdir()
    fields = "project: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
    (folder / "environments" / "dev.yaml").write_text(f"environment: dev\n{fields}")
    (folder / "spec.yaml").write_text(json.dumps({"pipeline": "p", "tasks": {"fit": data}}))
    made = compile_spec(folder / "spec.yaml", "dev")
    assert made.plan, made.diagnostics
    (operator,) = lower(made.plan, source="spec.yaml").members
    assert isinstance(operator, Operator)
    return operator.arguments


def test_every_key_reaches_the_fields_of_vertex_ai(tmp_path: Path) -> None:
    made = arguments(EVERY, tmp_path)
    spec = CustomJobSpec.from_json(json.dumps(made["job"]), ignore_unknown_fields=False)
    (pool,) = spec.worker_pool_specs
    assert made["kms_key"] == EVERY["kms_key"]
    assert made["experiment"] == EVERY["experiment"]
    assert pool.machine_spec.tpu_topology == "2x2"
    assert pool.machine_spec.reservation_affinity.reservation_affinity_type.name == (
        "ANY_RESERVATION"
    )
    assert spec.enable_web_access
    assert spec.persistent_resource_id == "training-cluster"
    assert (pool.nfs_mounts[0].path, pool.nfs_mounts[0].mount_point) == ("/data", "data")
    interface = spec.psc_interface_config
    assert interface.network_attachment.endswith("/jobs")
    assert interface.dns_peering_configs[0].target_network == "n"
    assert made["fallback"] == [
        {"strategy": "SPOT", "machineSpec": {"machineType": "n1-standard-8", **T4}}
    ]


@pytest.mark.parametrize(
    ("positional", "words"),
    [("fit", ["fit"]), (["-b", 64, True, 1e6, None, ""], ["-b", "64", "true", "1000000", ""])],
)
def test_arguments_without_a_name_come_first(
    positional: str | list[Any], words: list[str], tmp_path: Path
) -> None:
    job = {key: EVERY[key] for key in ("type", "module", "image")}
    machine = {"type": "n1-standard-8"}
    made = arguments(
        {**job, "machine": machine, "positional": positional, "args": {"lr": 0.1}}, tmp_path
    )
    (pool,) = made["job"]["workerPoolSpecs"]
    assert pool["containerSpec"]["args"] == [*words, "--lr=0.1"]
