"""JSON and files in Cloud Storage, by its JSON API."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .session import NOT_FOUND, HttpError, Session

SCHEME = "gs://"
CHUNK = 8 * 1024 * 1024


class StorageClient:
    """Cloud Storage, with the session of a task."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # what Google's own clients read, too
        host = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
        self._host = host.rstrip("/")

    def read_json(self, address: str) -> Any:
        """Return the JSON at an address, None without an object; raise ValueError if broken."""
        answer = self._found(address, alt="media")
        return None if answer is None else json.loads(answer.content)

    def read_dated_json(self, address: str) -> tuple[Any, datetime | None]:
        """Return the JSON at an address and when it was written, None and None without an object."""
        found = self._found(address)
        if found is None:
            return None, None
        return self.read_json(address), datetime.fromisoformat(found.json()["updated"])

    def write_json(self, address: str, value: Any) -> None:
        """Write JSON with sorted keys; raises ValueError for NaN and infinity."""
        # Python would write them as `NaN`, which is not JSON, and the next reader would fail.
        text = json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n"
        bucket, name = split(address)
        self._session.repeat(
            "POST",
            f"{self._host}/upload/storage/v1/b/{quote(bucket)}/o",
            params={"uploadType": "media", "name": name},
            headers={"content-type": "application/json"},
            data=text.encode(),
        )

    def sizes(self, address: str) -> dict[str, int]:
        """Return the size in bytes of every object under an address, or of the object at it."""
        bucket, prefix = split(address)
        # with the slash: the prefix `run-1` would also list `run-10/`
        under = self._listed(bucket, prefix.rstrip("/") + "/" if prefix else "")
        found = {f"{SCHEME}{bucket}/{each['name']}": int(each["size"]) for each in under}
        one = None if found or not prefix else self._found(address)
        return found if one is None else {address: int(one.json()["size"])}

    def open(self, address: str) -> io.BufferedReader:
        """Open an object for reading bytes in chunks."""
        size = int(self._session.repeat("GET", self._url(address)).json()["size"])
        return io.BufferedReader(_Object(self._session, self._url(address), size), CHUNK)

    def _found(self, address: str, **query: Any) -> Any:
        """Return the answer for an object, None where there is none."""
        try:
            return self._session.repeat("GET", self._url(address), params=query)
        except HttpError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def _listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        query = {"prefix": prefix, "fields": "items(name,size),nextPageToken"}
        while True:
            url = f"{self._host}/storage/v1/b/{quote(bucket)}/o"
            answer = self._session.repeat("GET", url, params=query).json()
            yield from answer.get("items", [])
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    def _url(self, address: str) -> str:
        bucket, name = split(address)
        return f"{self._host}/storage/v1/b/{quote(bucket)}/o/{quote(name, safe='')}"


class _Object(io.RawIOBase):
    """The bytes of an object, each read a request for a range of them."""

    def __init__(self, session: Session, url: str, size: int) -> None:
        self._session, self._url, self._size = session, url, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if self._at >= end:
            return 0
        wanted = {"range": f"bytes={self._at}-{end - 1}"}
        answer = self._session.repeat("GET", self._url, params={"alt": "media"}, headers=wanted)
        content = answer.content
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def split(address: str) -> tuple[str, str]:
    """Return bucket and object name of ``gs://bucket/name``; raise ValueError for anything else."""
    bucket, _, name = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket:
        raise ValueError(f"{address!r} is not an address like gs://bucket/path")
    return bucket, name


def join(base: str, *parts: str) -> str:
    """Return ``base/part/part`` without doubled slashes."""
    return "/".join([base.rstrip("/"), *parts])
