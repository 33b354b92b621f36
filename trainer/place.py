"""Addresses: paths, and names in buckets that are put together like paths."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class GsAddress:
    """`gs://bucket/name`, for where no mount makes it a path."""

    address: str

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> "GsAddress":
        return GsAddress(f"{self.address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> "GsAddress":
        """All but the last part."""
        return GsAddress(self.address.rstrip("/").rpartition("/")[0])


Place = Path | GsAddress
SomePlace = TypeVar("SomePlace", Path, GsAddress, Path | GsAddress)
