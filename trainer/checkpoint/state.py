"""The state of a run as one safetensors file: tensors, and plain values as JSON. No pickle.

Reading it cannot run code, and what it asks for in memory is at most the size of the file. It is
written without a copy of its tensors: the library's writer makes the whole file in memory first,
and holds the interpreter meanwhile.
"""

import json
import math
import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from torch import Tensor, nn

from trainer.checkpoint.checkpoint import checkpoints, last_good, read_manifest, read_state
from trainer.distributed import full, like
from trainer.errors import OtherRunError, TrainerError
from trainer.storage import Location, Pieces

RANDOM_TENSORS = ("torch", "numpy_keys", "cuda")
PLAIN = "plain"  # name of the tensor that holds the JSON
NUMPY_WORDS = 624  # of its generator; the position among them is at most that
CUDA_BYTES = 16  # seed and offset
# What reading a file that is not a state may raise.
MALFORMED = (
    SafetensorError, ValueError, TypeError, KeyError, RecursionError, RuntimeError, OverflowError,
    IndexError, AttributeError,
)  # fmt: skip
MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # what AdamW keeps for each parameter
DTYPES = {
    torch.float64: "F64", torch.int64: "I64", torch.float32: "F32", torch.int32: "I32",
    torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the steps after a checkpoint depend on."""

    step: int
    loss: float
    best: float | None
    stale: int
    identity: dict[str, Any]
    model: dict[str, Tensor]
    moments: dict[str, Tensor]  # "<number of the parameter>/<name>"
    random: list[dict[str, Any]]  # of each process


def load_newest(root: Location, model: nn.Module, identity: dict[str, Any]) -> State | None:
    """State of the newest undamaged checkpoint; says which ones it passes over.

    Raises OtherRunError for one of another run, which must not be passed over: beginning anew
    beside it would end in pruning it.
    """
    for directory in reversed(checkpoints(root)):
        try:
            return load(directory, model, identity)
        except OtherRunError:
            raise
        except TrainerError as error:
            print(f"damaged checkpoint passed over: {error}", flush=True)
    return None


def load(directory: Location, model: nn.Module, identity: dict[str, Any]) -> State:
    """Read one checkpoint and look at every byte and every tensor; raises TrainerError."""
    state = read(directory, model)
    refuse_other_run(identity, state.identity)
    try:
        check_state(state, model, list(model.parameters()))
    except TrainerError as error:
        raise TrainerError(f"{directory.name}: {error}") from None
    return state


def read(directory: Location, model: nn.Module) -> State:
    """Read one checkpoint of whichever run, equal to what its manifest says; raises TrainerError."""
    document = read_manifest(directory)
    data = read_state(directory, document, largest_state(model))
    try:
        state = decode(data)
    except TrainerError as error:
        raise TrainerError(f"{directory.name}: {error}") from None
    if state.step != document["step"]:
        raise TrainerError(f"{directory.name}: its state is of step {state.step}")
    return state


def refuse_other_run(now: dict[str, Any], then: dict[str, Any]) -> None:
    """Raise OtherRunError for a checkpoint of other settings or data."""
    changed = [name for name in now if now[name] != then.get(name)]
    if changed:
        name = changed[0]
        raise OtherRunError(
            f"the checkpoint was made with {name}={then.get(name)!r}, this run has "
            f"{now[name]!r}; use another output directory"
        )


def largest_state(model: nn.Module) -> int:
    """Bytes that no state of this model exceeds: weights, two moments, and room for the rest."""
    weights: dict[str, Tensor] = model.state_dict()
    return 4 * sum(value.nbytes for value in weights.values()) + 2**24


def encode(state: State) -> bytes:
    """Return the bytes of a state's file."""
    return b"".join(pieces(state))


def pieces(state: State) -> Pieces:
    """Write a state as the pieces of a safetensors file, without a copy of its tensors."""
    plain = {
        "step": state.step,
        "loss": state.loss,
        "best": state.best,
        "stale": state.stale,
        "identity": state.identity,
        "python": [own["python"] for own in state.random],
        "numpy": [own["numpy"] for own in state.random],
    }
    text = json.dumps(plain, allow_nan=False).encode()
    tensors = {f"model/{name}": value for name, value in state.model.items()}
    tensors |= {f"optimizer/{name}": value for name, value in state.moments.items()}
    for name in RANDOM_TENSORS:
        found = {f"{name}/{rank}": own[name] for rank, own in enumerate(state.random)}
        tensors |= {key: value for key, value in found.items() if value is not None}
    tensors[PLAIN] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    return safetensors(tensors)


def decode(data: bytes) -> State:
    """Read the bytes of a state; raises TrainerError when they are not one."""
    try:
        tensors = read_tensors(data)
        plain = json.loads(tensors.pop(PLAIN).numpy().tobytes())
        return State(
            step=int(plain["step"]),
            loss=float(plain["loss"]),
            best=_number(plain["best"]),
            stale=int(plain["stale"]),
            identity=dict(plain["identity"]),
            model=_part(tensors, "model"),
            moments=_part(tensors, "optimizer"),
            random=_generators(plain, tensors),
        )
    except MALFORMED as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainerError(f"it is not a state of a run: {reason}") from None


def _generators(plain: dict[str, Any], tensors: dict[str, Tensor]) -> list[dict[str, Any]]:
    """States of the generators of each process."""
    return [
        {"python": python, "numpy": numpy}
        | {name: tensors.get(f"{name}/{rank}") for name in RANDOM_TENSORS}
        for rank, (python, numpy) in enumerate(zip(plain["python"], plain["numpy"], strict=True))
    ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Tensors under a name; numbers in their order."""
    prefix = f"{name}/"
    names = sorted((key for key in tensors if key.startswith(prefix)), key=lambda k: (len(k), k))
    return {key.removeprefix(prefix): tensors[key] for key in names}


def describe_groups(model: dict[str, Tensor]) -> dict[str, Any]:
    """Describe every state group of a model: its direct children, whichever network it is."""
    groups = dict.fromkeys(name.split(".")[0] for name in model)
    return {group: describe_group(model, group) for group in groups}


def describe_group(model: dict[str, Tensor], group: str) -> dict[str, Any]:
    """Tensors and parameters of one state group, and whether all are finite."""
    tensors = [value for name, value in model.items() if name.split(".")[0] == group]
    return {
        "tensors": len(tensors),
        "parameters": sum(tensor.numel() for tensor in tensors),
        "finite": all(map(all_finite, tensors)),
    }


def moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the whole tensors of the optimizer; its settings are those of the run."""
    return {
        f"{number}/{name}": full(value)
        for number, parameter in enumerate(model.parameters())
        for name, value in optimizer.state.get(parameter, {}).items()
    }


def restore_moments(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> None:
    """Undo `moments`."""
    parameters = list(model.parameters())
    optimizer.state.clear()
    for key, value in tensors.items():
        number, _, name = key.partition("/")
        own = parameters[int(number)]
        optimizer.state[own][name] = like(value, own) if value.dim() else value.to(own.device)


def check_state(state: State, model: nn.Module, parameters: list[nn.Parameter]) -> None:
    """Raise TrainerError unless every tensor fits the model and all numbers are finite."""
    problem = (
        model_problem(state.model, model.state_dict())
        or moments_problem(state.moments, parameters)
        or (None if state.random else "it holds the generators of no process")
        or next(filter(None, map(generators_problem, state.random)), None)
        or non_finite_problem(state)
    )
    if problem:
        raise TrainerError(problem)


def model_problem(found: dict[str, Tensor], expected: dict[str, Tensor]) -> str | None:
    """Say which weight is missing, unknown or of another shape."""
    odd = sorted(found.keys() ^ expected.keys())
    if odd:
        return f"weight {odd[0]!r} is {'missing' if odd[0] in expected else 'unknown'}"
    faults = (tensor_problem(name, found[name], expected[name]) for name in expected)
    return next(filter(None, faults), None)


def moments_problem(found: dict[str, Tensor], parameters: list[nn.Parameter]) -> str | None:
    """Say which tensor of the optimizer does not belong to its parameter."""
    numbers = sorted({key.partition("/")[0] for key in found})
    wanted = {f"{number}/{name}" for number in numbers for name in MOMENTS}
    known = {str(number) for number in range(len(parameters))}
    if wanted != found.keys() or not known.issuperset(numbers):
        return "the state of the optimizer is not of these parameters"
    one = torch.zeros(())
    for key, value in found.items():
        number, _, name = key.partition("/")
        expected = one if name == "step" else parameters[int(number)]
        problem = tensor_problem(f"optimizer/{key}", value, expected)
        if problem:
            return problem
    return None


def tensor_problem(name: str, found: Tensor, expected: Tensor) -> str | None:
    """Compare shape and type of a tensor."""
    if found.shape == expected.shape and found.dtype == expected.dtype:
        return None
    has, wants = (f"{list(t.shape)} {t.dtype}" for t in (found, expected))
    return f"tensor {name!r} is {has}, not {wants}"


def non_finite_problem(state: State) -> str | None:
    """Say which number of a state is not finite."""
    given = {"loss": state.loss, "best score": state.best or 0.0}
    for name, number in given.items():
        if not math.isfinite(number):
            return f"the {name} is {number}"
    for name, tensor in (state.model | state.moments).items():
        if not all_finite(tensor):
            return f"tensor {name!r} holds non-finite values"
    return None


def refuse_non_finite(found: State, root: Location) -> None:
    """Raise TrainerError instead of saving what cannot be continued."""
    problem = non_finite_problem(found)
    if problem:
        raise TrainerError(f"{problem} after step {found.step}; {last_good(root)}")


def generators_problem(state: dict[str, Any]) -> str | None:
    """Try the states on generators of our own, so that restoring them cannot fail halfway."""
    try:
        if not 0 <= state["numpy"][1] <= NUMPY_WORDS:
            return "bad random state: numpy's position is out of range"
        random.Random().setstate(_python(state))  # noqa: S311 - a trial, no secret is drawn
        np.random.RandomState().set_state(_numpy(state))
        torch.Generator().set_state(state["torch"])
        cuda = state["cuda"]
        if cuda is not None and (cuda.dtype, cuda.shape) != (torch.uint8, (CUDA_BYTES,)):
            return "bad random state: CUDA's is not 16 bytes"
    except MALFORMED as error:
        return f"bad random state: {' '.join(str(error).split())[:120]}"
    return None


def random_state() -> dict[str, Any]:
    """State of the generators of python, numpy, torch and the CUDA device of this process."""
    # The global generator of numpy is saved because libraries draw from it.
    kind, keys, position, gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002
    return {
        "python": random.getstate(),
        "numpy": [kind, position, gauss, cached],
        "numpy_keys": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if cuda_in_use() else None,
    }


def cuda_in_use() -> bool:
    """Whether this process computes on a GPU; asking one that it leaves alone would take memory."""
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def restore_random_state(state: dict[str, Any]) -> None:
    """Undo what happened to the generators since `random_state`."""
    random.setstate(_python(state))
    np.random.set_state(_numpy(state))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and cuda_in_use():
        torch.cuda.set_rng_state(state["cuda"])


def _python(state: dict[str, Any]) -> tuple[Any, ...]:
    version, words, gauss_next = state["python"]
    return (version, tuple(words), gauss_next)


def _numpy(state: dict[str, Any]) -> tuple[Any, ...]:
    kind, position, gauss, cached = state["numpy"]
    return (kind, state["numpy_keys"].numpy().astype(np.uint32), position, gauss, cached)


@dataclass(slots=True)
class HostCopies:
    """Buffers in host memory, made once and filled again for every checkpoint.

    Fresh memory would cost more than the copy: the kernel clears each page at its first use.
    """

    buffers: dict[str, Tensor] = field(default_factory=dict)

    def take(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Copy tensors into their buffers; what was taken before under a name is overwritten."""
        for name, value in tensors.items():
            kept = self.buffers.get(name)
            if kept is None or (kept.shape, kept.dtype) != (value.shape, value.dtype):
                self.buffers[name] = buffer_for(value)
        found = {name: self.buffers[name] for name in tensors}
        with torch.no_grad():
            for name, value in tensors.items():
                found[name].copy_(value, non_blocking=True)
        if any(value.is_cuda for value in tensors.values()):
            torch.cuda.synchronize()
        return found


def buffer_for(value: Tensor) -> Tensor:
    """Make room for a tensor in host memory, pinned where a GPU copies into it."""
    return torch.empty(value.shape, dtype=value.dtype, pin_memory=value.is_cuda)


def safetensors(tensors: Mapping[str, Tensor]) -> Pieces:
    """Header and contents of a safetensors file; the contents are views of the tensors.

    Format: 8 bytes with the length of the header (little endian), the header as JSON padded to
    8 bytes, then the tensors, the widest types first (github.com/huggingface/safetensors).
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header, contents, end = {}, [], 0
    for name in order:
        value = tensors[name].detach().cpu().contiguous()
        begin, end = end, end + value.nbytes
        header[name] = {
            "dtype": DTYPES[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [begin, end],
        }
        contents.append(value.reshape(-1).view(torch.uint8).numpy().data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [struct.pack("<Q", len(text)) + text, *contents]


def all_finite(value: Tensor) -> bool:
    """Whether a tensor holds neither NaN nor infinities; makes no mask of its size."""
    if not value.is_floating_point() or not value.numel():
        return True
    low, high = value.aminmax()
    return bool(torch.isfinite(low) & torch.isfinite(high))
