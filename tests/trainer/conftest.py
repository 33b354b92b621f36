"""A small data set, its textures and a small training run, made once per session."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Width, steps and data are as small as the code paths allow; dropout draws random numbers.
SMALL = [
    "--width=16",
    "--heads=2",
    "--glimpses=1",
    "--dropout=0.1",
    "--keep=16",
    "--budget_total=2000",
    "--batch=4",
    "--epochs=3",
    "--checkpoint_every=4",
    "--log_every=1",
    "--keep_checkpoints=3",
]


@pytest.fixture(autouse=True)
def _no_vertex_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(
            ("AIP_", "CLOUD_ML_", "CLUSTER_SPEC", "DAGFACTORY_SECRETS", "RANK", "LOCAL_RANK")
        ):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _small_floats_stay() -> Iterator[None]:
    """Undo what compiled code does to its whole process: loading it flushes subnormal floats to zero."""
    yield
    torch = sys.modules.get("torch")
    if torch:
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainer.data.clevr import main

    base = tmp_path_factory.mktemp("data")
    assert main(["--images=36", "--held_out=8", "--shard=20", f"--output={base}"]) == 0
    return base / "model"


@pytest.fixture(scope="session")
def textures(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trainer.data.textures import main

    base = tmp_path_factory.mktemp("textures")
    assert main([f"--input={data}", f"--output={base}"]) == 0
    return base / "model"


@pytest.fixture(scope="session")
def arguments(textures: Path) -> list[str]:
    return [f"--textures={textures}", *SMALL]


@pytest.fixture(scope="session")
def finished(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Base directory of an undisturbed run of 24 steps."""
    from trainer.train import main

    base = tmp_path_factory.mktemp("finished")
    assert main([*arguments, f"--output={base}"]) == 0
    return base


@pytest.fixture(scope="session")
def losses() -> Any:
    """A function: the (step, loss) sequence of a run's metrics.jsonl."""

    def read(base: Path) -> list[tuple[int, float]]:
        lines = (base / "model" / "metrics.jsonl").read_text().splitlines()
        noted = [json.loads(line) for line in lines]
        return [
            (line["step"], line["value"])
            for line in noted
            if line["split"] == "train" and line["name"] == "loss"
        ]

    return read


@pytest.fixture(scope="session")
def write_state() -> Any:
    """A function: replace the state of a checkpoint; the manifest fits it."""
    from trainer.checkpoint.checkpoint import MANIFEST, STATE, seal
    from trainer.storage import describe_pieces

    def write(directory: Path, data: bytes) -> None:
        (directory / STATE).write_bytes(data)
        document = json.loads((directory / MANIFEST).read_text())
        document["files"][STATE] = describe_pieces([data])
        (directory / MANIFEST).write_bytes(seal(document))

    return write
