"""The exchange format: newline-delimited JSON as a BigQuery table export writes it.

BYTES are base64, INT64 are JSON strings, REPEATED RECORDs are lists of objects. One line holds
one image with its questions. Pydantic reads integers with or without the quotes.
"""

import base64
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trainer.errors import TrainerError
from trainer.storage import (
    SCHEMA_VERSION,
    damaged_files,
    describe_files,
    read_json,
    write_bytes,
    write_json,
)

CHECKSUMS = "checksums.json"


class Box(BaseModel):
    """Pixels covered by one relevant region (the maximum is exclusive) and how much it matters."""

    model_config = ConfigDict(frozen=True)

    x_min: float
    y_min: float
    x_max: float
    y_max: float
    weight: float = Field(default=1.0, ge=0, le=1)


class QuestionRecord(BaseModel):
    """One question, its answer and the regions it is about."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    relational: bool = False
    kind: str = ""
    relevance: tuple[Box, ...]
    answers: tuple[str, ...] = Field(default=(), description="what each of several people said")


class ImageRecord(BaseModel):
    """One line of a shard. Columns that the trainer does not know are passed over."""

    model_config = ConfigDict(frozen=True)

    image_id: str
    split: Literal["train", "held_out"]
    image: str = Field(description="base64 of a PNG or JPEG file")
    questions: tuple[QuestionRecord, ...] = Field(min_length=1)

    @property
    def picture(self) -> str:
        """Sha256 of the image file: lines of one image have the same."""
        return hashlib.sha256(self.image.encode()).hexdigest()

    def data(self) -> bytes:
        """Return the bytes of the image file; raises ValueError where they are not base64."""
        return base64.b64decode(self.image, validate=True)

    def pixels(self) -> npt.NDArray[np.uint8]:
        """Decode the image to [height, width, 3]."""
        try:
            with Image.open(io.BytesIO(self.data())) as picture:
                return np.asarray(picture.convert("RGB"))
        except (ValueError, UnidentifiedImageError, OSError) as error:
            raise TrainerError(f"image {self.image_id} cannot be decoded: {error}") from None


def pictures(records: Sequence[ImageRecord]) -> list[int]:
    """Return the number of the image that each line is about, as they first appear."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(record.picture, len(numbers)) for record in records]


def encode_png(pixels: npt.NDArray[np.uint8]) -> str:
    """Base64 of a PNG file of pixels [height, width, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def find_shards(address: Path) -> list[Path]:
    """Shards of a directory, a glob or a single file, in name order."""
    found = address.glob("*.json*") if address.is_dir() else address.parent.glob(address.name)
    shards = sorted(path for path in found if _is_shard(path))
    if not shards:
        raise TrainerError(f"no .jsonl shards at {address}")
    return shards


def _is_shard(path: Path) -> bool:
    """Tell shards from the other files of a model directory."""
    others = {CHECKSUMS, "metrics.json", "config.json", "manifest.json"}
    return path.suffix in {".json", ".jsonl"} and path.name not in others


def check_shards(shards: list[Path]) -> None:
    """Compare shards with the checksum file beside them, where there is one."""
    for directory in sorted({shard.parent for shard in shards}):
        path = directory / CHECKSUMS
        if path.is_file():
            problems = damaged_files(directory, read_json(path)["files"])
            if problems:
                raise TrainerError(f"damaged data in {directory}: {problems[0]}")


def read_records(shards: list[Path]) -> Iterator[ImageRecord]:
    """Read and validate the lines of shards; the error names file, line and field."""
    for shard in shards:
        with shard.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    yield ImageRecord.model_validate_json(line)
                except ValidationError as error:
                    first = error.errors()[0]
                    field = ".".join(str(part) for part in first["loc"]) or "line"
                    raise TrainerError(f"{shard.name}:{number}: {field}: {first['msg']}") from None


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
