"""How many processes a machine starts, which GPU is whose, and which images."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from trainer.data.dataset import parts_of
from trainer.distributed import ProcessGroup, choose_device, processes
from trainer.errors import TrainerError
from trainer.settings import TrainSettings


@pytest.mark.parametrize(
    ("gpus", "options", "expected"),
    [
        (0, {}, 1), (1, {}, 1), (4, {}, 4), (4, {"processes": 2}, 2), (4, {"device": "cpu"}, 1),
        (0, {"processes": 3}, 3), (4, {"processes": "auto"}, 4),
    ],
)  # fmt: skip
def test_one_process_for_each_gpu(gpus, options, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert processes(TrainSettings(textures="x", **options)) == expected


def test_more_processes_than_gpus_are_a_mistake(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(TrainerError, match="process 2 of this machine finds no GPU of its own"):
        choose_device("auto", 2)


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_images_of_a_step_are_the_same_for_any_world(world, accumulate):
    images = torch.randperm(7)
    parts = [p for rank in range(world) for p in parts_of(images, rank, world, accumulate)]
    assert torch.cat(parts).tolist() == images.tolist()
    assert len(parts) == world * accumulate
    assert all(len(part) for part in parts)


def test_a_step_with_fewer_images_than_parts_is_a_mistake():
    """Where the data are smaller than a batch; the settings alone are checked before."""
    with pytest.raises(TrainerError, match="3 images a step are too few for 2 processes and accum"):
        parts_of(torch.arange(3), rank=0, world=2, accumulate=2)


def test_the_first_process_goes_first_then_one_of_each_machine(monkeypatch):
    """Four processes of two machines as threads; a barrier in place of torch's."""
    barrier, order = threading.Barrier(4), []
    monkeypatch.setattr(ProcessGroup, "barrier", lambda _: barrier.wait(timeout=20))
    members = [ProcessGroup(rank, 4, rank % 2) for rank in (3, 1, 2, 0)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: each.main_first(lambda: order.append(each.rank)), members))
    assert order[:2] == [0, 2]
    assert sorted(order[2:]) == [1, 3]
