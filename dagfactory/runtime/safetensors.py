"""The header of a safetensors file, and whether its tensors are finite, without torch.

Format: 8 bytes with the length of the header (little-endian), the header as JSON, then the tensors one
after the other (https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

CHUNK = 8 * 1024 * 1024
LONGEST_HEADER = 100_000_000
"""Bytes, as the format limits it."""

# Unsigned type and the bits of the exponent: a float is infinite or NaN when all of them are set.
_EXPONENTS = {
    "F64": ("<u8", 0x7FF0000000000000),
    "F32": ("<u4", 0x7F800000),
    "F16": ("<u2", 0x7C00),
    "BF16": ("<u2", 0x7F80),
}

Header = Mapping[str, Mapping[str, Any]]


def read_header(file: Any, size: int) -> tuple[Header, int]:
    """Return the tensors by name and where their bytes begin; raises ValueError for a damaged file."""
    length = int.from_bytes(file.read(8), "little")
    if not 0 < length <= min(size, LONGEST_HEADER):
        raise ValueError("the header of the file is damaged")
    found = json.loads(file.read(length))
    if not isinstance(found, dict):
        raise ValueError("the header of the file is damaged")  # noqa: TRY004 - of the file, not of a caller
    tensors = {name: entry for name, entry in found.items() if name != "__metadata__"}
    start = 8 + length
    end = start + max((entry["data_offsets"][1] for entry in tensors.values()), default=0)
    if end != size:
        raise ValueError(f"the file has {size} bytes, its header says {end}")
    return tensors, start


def is_finite(file: Any, start: int, entry: Mapping[str, Any]) -> bool:
    """Return whether a tensor holds neither NaN nor infinity; integers never do."""
    if entry["dtype"] not in _EXPONENTS:
        return True
    import numpy as np  # comes with the Google provider; imported where weights are read

    kind, mask = _EXPONENTS[entry["dtype"]]
    return not any(
        ((np.frombuffer(chunk, kind) & mask) == mask).any()
        for chunk in _chunks(file, start, entry["data_offsets"])
    )


def _chunks(file: Any, start: int, offsets: tuple[int, int]) -> Iterator[bytes]:
    first, end = offsets
    file.seek(start + first)
    left = end - first
    while left > 0:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise ValueError("the file ends early")
        left -= len(chunk)
        yield chunk
