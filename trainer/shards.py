"""Writing the exchange format: numbered shards and the checksums beside them."""

import itertools
from collections.abc import Iterable
from pathlib import Path

from trainer.exchange import CHECKSUMS
from trainer.files import SCHEMA_VERSION, describe_files, write_bytes, write_json


def write_shards(directory: Path, split: str, lines: Iterable[str], size: int) -> list[str]:
    """Write the lines of a split, `size` of them a shard; returns the shard names."""
    rest, names = iter(lines), list[str]()
    while part := list(itertools.islice(rest, size)):
        names.append(f"{split}-{len(names):05d}.jsonl")
        write_bytes(directory / names[-1], "".join(part).encode())
    return names


def write_checksums(directory: Path, names: list[str]) -> None:
    """Write checksums.json for shards; it comes last."""
    document = {"schema_version": SCHEMA_VERSION, "files": describe_files(directory, names)}
    write_json(directory / CHECKSUMS, document)
