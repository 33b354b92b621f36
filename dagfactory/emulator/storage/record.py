"""What is known of one object besides its bytes, and its JSON resource."""

import base64
import hashlib
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import google_crc32c

HOST = "https://storage.googleapis.com"
CHUNK = 1 << 20
# fields a client may set; anything else in a resource is the service's
SETTABLE = (
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "contentType",
    "customTime",
    "eventBasedHold",
    "metadata",
    "storageClass",
    "temporaryHold",
)


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """An object. `stamp` is (mtime_ns, inode, size) of the file the checksums belong to."""

    bucket: str
    name: str
    generation: int
    size: int
    md5: str
    crc32c: str
    created: str
    updated: str
    stamp: tuple[int, int, int]
    metageneration: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    components: int = 0

    @property
    def etag(self) -> str:
        """The entity tag: changes with generation and metageneration."""
        return base64.b64encode(f"{self.generation}/{self.metageneration}".encode()).decode()

    def patched(self, change: dict[str, Any], *, clear: bool = False) -> "ObjectRecord":
        """Return the record with settings changed (null deletes; metadata merges by key)."""
        settings = {} if clear else dict(self.settings)
        for key in SETTABLE:
            if key in change:
                settings[key] = _merged(settings.get(key), change[key])
        settings = {key: value for key, value in settings.items() if value not in (None, {})}
        return replace(
            self, settings=settings, metageneration=self.metageneration + 1, updated=now()
        )

    def resource(self) -> dict[str, Any]:
        """Return the object resource of the JSON API (64-bit numbers as strings)."""
        path = f"/b/{self.bucket}/o/{quote(self.name, safe='')}"
        version = {"generation": str(self.generation), "metageneration": str(self.metageneration)}
        composed = {"componentCount": self.components} if self.components else {}
        return {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{HOST}/storage/v1{path}",
            "mediaLink": f"{HOST}/download/storage/v1{path}?generation={self.generation}&alt=media",
            "name": self.name,
            "bucket": self.bucket,
            **version,
            "storageClass": "STANDARD",
            "size": str(self.size),
            **({} if composed else {"md5Hash": self.md5}),
            "crc32c": self.crc32c,
            "etag": self.etag,
            "timeCreated": self.created,
            "updated": self.updated,
            "timeStorageClassUpdated": self.created,
            "timeFinalized": self.created,
            **composed,
            **self.settings,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the form kept in the side file."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read the form kept in the side file."""
        return cls(**{**data, "stamp": tuple(data["stamp"])})


def _merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    both = {**old, **new}
    return {key: value for key, value in both.items() if value is not None}


def now() -> str:
    """Return the time as RFC 3339 with milliseconds, as the service writes it."""
    return timestamp(datetime.now(UTC).timestamp())


def timestamp(seconds: float) -> str:
    """Return a POSIX time as RFC 3339 in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def checksums(path: Path | None) -> tuple[str, str]:
    """Return (md5, crc32c) of a file, each base64 of the big-endian digest; None is empty."""
    md5, crc = hashlib.md5(usedforsecurity=False), 0
    if path is not None:
        with path.open("rb") as file:
            while data := file.read(CHUNK):
                md5.update(data)
                crc = google_crc32c.extend(crc, data)
    return _base64(md5.digest()), _base64(crc.to_bytes(4, "big"))


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
