"""A job's keys become fields of Vertex AI's CustomJobSpec and of its fallbacks."""

from __future__ import annotations

from typing import Any

import pytest

from dagfactory.language.job import Machine
from dagfactory.task_api.job import _fallback, machine_spec

T4 = {"acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 2}
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
    assert "reservationAffinity" in machine_spec(machine.type, machine, reserved=True)
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
