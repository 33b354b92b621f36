"""Damaged and hostile checkpoints: are they noticed before a step is taken.

Used by trainer_faults.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import shutil
import struct
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import trainer_faults as faults

from trainer import train
from trainer.checkpoint import state
from trainer.checkpoint.checkpoint import MANIFEST, STATE, checkpoints, seal
from trainer.config import parse
from trainer.settings import TrainSettings
from trainer.storage import sha256
from trainer.train import Run
from trainer.vertex import StopRequest, read_context

GIGABYTE = 2**30
Damage = Callable[[Path, Path, random.Random], None]  # newest checkpoint, the one before


def flip(newest: Path, _before: Path, draw: random.Random) -> None:
    """Flip one bit, in one of three cases of the manifest."""
    path = newest / (MANIFEST if draw.random() < 1 / 3 else STATE)
    content = bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def truncate(newest: Path, _before: Path, draw: random.Random) -> None:
    """Cut a file anywhere."""
    path = newest / draw.choice([MANIFEST, STATE])
    os.truncate(path, draw.randrange(path.stat().st_size))


def swap(newest: Path, before: Path, draw: random.Random) -> None:
    """Put files of the checkpoint before into the newest."""
    for name in draw.choice([[MANIFEST], [STATE], [MANIFEST, STATE]]):
        shutil.copy(before / name, newest / name)


def misshape(newest: Path, _before: Path, draw: random.Random) -> None:
    """Put a wrong shape or a number that is none into a tensor; the checksums are right."""
    found = state.decode((newest / STATE).read_bytes())
    part = draw.choice([found.model, found.moments])
    name = draw.choice([name for name in sorted(part) if part[name].numel() > 1])
    if draw.choice([True, False]):
        part[name] = part[name].flatten()[:-1].clone()
    else:
        part[name].flatten()[draw.randrange(part[name].numel())] = draw.choice(
            [float("nan"), float("inf"), -float("inf")]
        )
    put(newest, state.encode(found))


def put(directory: Path, data: bytes, **changes: object) -> None:
    """Write a state with a manifest that fits it, but for the changes."""
    (directory / STATE).write_bytes(data)
    document = json.loads((directory / MANIFEST).read_bytes())
    entry = {"sha256": sha256(directory / STATE), "bytes": len(data)}
    (directory / MANIFEST).write_bytes(seal(document | {"files": {STATE: entry}} | changes))


def damage(flips: int, arguments: list[str], base: Path, draw: random.Random) -> Counter[str]:
    """Damage the newest of two checkpoints; the one before must be what is loaded."""
    root, run = two_checkpoints(arguments, base)
    before, newest = checkpoints(root)
    good = {path.name: path.read_bytes() for path in newest.iterdir()}
    found = Counter[str]()
    kinds: dict[Damage, int] = {flip: flips, truncate: flips // 5, swap: flips // 20}
    for kind, count in (kinds | {misshape: flips // 20}).items():
        for _ in range(count):
            kind(newest, before, draw)
            with contextlib.redirect_stdout(io.StringIO()) as said:
                loaded = state.load_newest(root, run.model, run.identity)
            right = loaded is not None and loaded.step == int(before.name[5:])
            found[kind.__name__] += 1
            found["undetected"] += not right
            found["unclear"] += said.getvalue().count("\n") != 1
            for name, content in good.items():
                (newest / name).write_bytes(content)
    return found


def two_checkpoints(arguments: list[str], base: Path) -> tuple[Path, Run]:
    """Train up to step 12 of 24 and keep the checkpoints of 8 and 12; returns them and a run."""
    rare = [*arguments, "--checkpoint_every=4", "--keep_checkpoints=9"]
    faults.undisturbed(rare, base, faults.Board())
    for path in checkpoints(base / "checkpoints"):
        if path.name[-2:] not in {"08", "12"}:
            shutil.rmtree(path)
    settings = parse(TrainSettings, [*rare, f"--output={base}"])
    context = read_context({}, str(base))
    data = train.read_data(settings, context, torch.device("cpu"))
    run = train.assemble(settings, context, data, StopRequest())
    return base / "checkpoints", run


class Payload:
    """An object whose unpickling makes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def torch_file(canary: Path, *, legacy: bool) -> bytes:
    """Return what torch.save makes of a payload."""
    stream = io.BytesIO()
    torch.save({"model": Payload(canary)}, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def bomb() -> bytes:
    """Return a megabyte that unzips to a gigabyte."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("archive/data.pkl", "w", force_zip64=True) as entry,
    ):
        for _ in range(64):
            entry.write(bytes(2**24))
    return stream.getvalue()


def tensors(header: object, length: int | None = None, body: int = 8) -> bytes:
    """Return a safetensors file with a header of our choice."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(body)


def one(shape: list[int], offsets: list[int]) -> dict[str, object]:
    """Describe one tensor in a header."""
    return {"dtype": "F32", "shape": shape, "data_offsets": offsets}


def states(canary: Path) -> dict[str, bytes]:
    """Hostile states; their manifests fit them."""
    return {
        "pickle": pickle.dumps(Payload(canary)),
        "pickle in a torch file": torch_file(canary, legacy=False),
        "pickle in an old torch file": torch_file(canary, legacy=True),
        "zip bomb": bomb(),
        "header of 2^63 bytes": tensors({}, length=2**63),
        "header longer than the file": tensors({}, length=10_000),
        "header of 100 MB": tensors(b" " * 100_000_000),
        "header of nested lists": tensors(b"[" * 200_000),
        "tensor of 4 TB": tensors({"model/a": one([2**40], [0, 8])}),
        "tensors that overlap": tensors({"a": one([2], [0, 8]), "b": one([2], [0, 8])}),
        "offsets beyond the file": tensors({"a": one([2**20], [0, 2**22])}),
        "sizes that overflow": tensors({"a": one([2**62, 2**62], [0, 8])}),
        "no state at all": tensors({"plain": one([2], [0, 8])}),
    }


def sparse(path: Path, size: int) -> None:
    """Make a file of zeros that takes no space."""
    path.unlink(missing_ok=True)
    path.touch()
    os.truncate(path, size)


def link(path: Path, target: Path) -> None:
    """Replace a file by a link to a copy of it elsewhere."""
    path.rename(target)
    path.symlink_to(target)


def pipe(path: Path) -> None:
    """Replace a file by a named pipe, which blocks whoever opens it."""
    path.unlink()
    os.mkfifo(path)


def names(step: Path, name: str) -> None:
    """Let the manifest name another file than the state."""
    document = json.loads((step / MANIFEST).read_bytes())
    document["files"][name] = document["files"].pop(STATE)
    (step / MANIFEST).write_bytes(seal(document))


def places(outside: Path) -> dict[str, Callable[[Path], object]]:
    """Hostile manifests and files, each as a function of the step directory."""
    return {
        "manifest out of its directory": lambda step: names(step, "../../../../etc/passwd"),
        "manifest with a full path": lambda step: names(step, "/etc/passwd"),
        "manifest of nested lists": lambda s: (s / MANIFEST).write_bytes(b"[" * 900_000),
        "manifest of 20 GB": lambda step: sparse(step / MANIFEST, 20 * GIGABYTE),
        "state of 20 GB": lambda step: sparse(step / STATE, 20 * GIGABYTE),
        "state is a link": lambda step: link(step / STATE, outside / "state"),
        "manifest is a link": lambda step: link(step / MANIFEST, outside / "manifest"),
        "state is a pipe": lambda step: pipe(step / STATE),
    }


def hostile(arguments: list[str], base: Path) -> Counter[str]:
    """Put hostile checkpoints before runs in a fork; each must continue from the one before."""
    base.mkdir()
    canary, found = base / "executed", Counter[str]()
    every = [*arguments, "--checkpoint_every=4", "--keep_checkpoints=9"]
    two_checkpoints(arguments, base / "run")
    expected = faults.outcome(base / "run")
    cases: dict[str, Callable[[Path], object]] = {
        name: lambda step, data=data: put(step, data) for name, data in states(canary).items()
    }
    outside = base / "outside"
    for number, (name, make) in enumerate((cases | places(outside)).items()):
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir()
        copy = base / f"copy-{number}"
        shutil.copytree(base / "run", copy)
        (copy / "log").unlink()
        make(checkpoints(copy / "checkpoints")[-1])
        board = faults.Board()
        _, status, used = os.wait4(faults.start(every, copy, board), 0)
        said = (copy / "log").read_text().count("damaged checkpoint passed over")
        found["checkpoints"] += 1
        found["executed"] += canary.exists()
        found["undetected"] += board[faults.RESUMED] != 8 or status != 0  # noqa: PLR2004
        found["unclear"] += said != 1 or "Traceback" in (copy / "log").read_text()
        found["largest MB"] = max(found["largest MB"], used.ru_maxrss // 1024)
        found["other losses or model"] += faults.outcome(copy) != expected
        if found["undetected"] + found["unclear"]:
            print(name, (copy / "log").read_text()[:500], file=sys.stderr)
    found["over 1 GB"] = int(found["largest MB"] > GIGABYTE // 2**20)
    return found
