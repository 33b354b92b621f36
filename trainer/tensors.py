"""Tensors copied to the host between two steps, and written as safetensors without another copy.

The library's writer makes the whole file in memory first, and holds the interpreter meanwhile.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainer.files import Pieces

DTYPES = {
    torch.float64: "F64", torch.int64: "I64", torch.float32: "F32", torch.int32: "I32",
    torch.float16: "F16", torch.bfloat16: "BF16", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


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
