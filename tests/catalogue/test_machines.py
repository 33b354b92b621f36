"""The lists of machines, GPUs and regions, read back, and what a wrong name probably means."""

import pytest

from dagfactory.catalogue.machine_search import nearest, with_gpu
from dagfactory.catalogue.machines import accelerators, listed_on, offering, regions, shapes

MEANT = {
    "a100": "a2-highgpu-1g",
    "h100": "a3-highgpu-1g",
    "H200": "a3-ultragpu-8g",
    "b200": "a4-highgpu-8g",
    "l4": "g2-standard-4",
    "nvidia-a100-80gb": "a2-ultragpu-1g",
    "8xH100": "a3-highgpu-8g",
    "4 x A100": "a2-highgpu-4g",
    "Standard_NC24ads_A100_v4": "a2-highgpu-1g",
    "A2-HIGHGPU-1G": "a2-highgpu-1g",
    "a2_highgpu_1g": "a2-highgpu-1g",
    "a2-highgpu": "a2-highgpu-1g",
    "a2-highgpu-3g": "a2-highgpu-4g",
    "a2-higgpu-1g": "a2-highgpu-1g",
    "n1-standrad-8": "n1-standard-8",
    "n1-standard-3": "n1-standard-4",
    "n1-standard": "n1-standard-4",
    "n1-highmen-16": "n1-highmem-16",
    "n1standard-8": "n1-standard-8",
    "standard": "n4-standard-2",
    "g2-standard-5": "g2-standard-4",
    "e2-standard-64": "e2-standard-32",
    "rtx": "g4-standard-48",
}


def test_the_lists_know_each_other():
    names = set(accelerators())
    for shape in shapes().values():
        assert set(shape.attachable) <= names
        assert not shape.gpus or shape.accelerator in names
        assert not (shape.gpus and shape.attachable)
    assert {each for offered in regions().values() for each in offered if "NVIDIA" in each} <= names


def test_the_lists_are_whole():
    built_in = [each for each in shapes().values() if each.gpus]
    assert (len(shapes()), len(built_in), len(regions())) == (113, 29, 31)
    assert listed_on() == "2026-11-30"
    assert offering("NVIDIA_GB200") == ["us-central1", "us-east4"]


@pytest.mark.parametrize(("name", "expected"), MEANT.items())
def test_what_is_meant(name, expected):
    found = nearest(name)
    assert found
    assert found.name == expected


@pytest.mark.parametrize("name", ["c9-future-96", "gpu", "ml.p3.2xlarge", "p100", ""])
def test_nothing_is_made_up(name):
    assert nearest(name) is None


def test_machines_by_gpu():
    assert [shape.name for shape, _, _ in with_gpu("8xH100")] == ["a3-highgpu-8g", "a3-megagpu-8g"]
    assert {count for _, _, count in with_gpu("NVIDIA_TESLA_T4")} == {1, 2, 4}
    assert with_gpu("3xT4") == []
