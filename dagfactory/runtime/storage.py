"""JSON in Cloud Storage, through the provider's GCSHook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

SCHEME = "gs://"


class StorageClient:
    """Cloud Storage with the credentials of one Airflow connection."""

    def __init__(self, gcp_conn_id: str, impersonation_chain: Any = None) -> None:
        from airflow.providers.google.cloud.hooks.gcs import GCSHook

        self.client = GCSHook(
            gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain
        ).get_conn()

    def read_json(self, address: str) -> Any:
        """Return the JSON at an address, None without an object; raise ValueError if broken."""
        from google.cloud.exceptions import NotFound

        try:
            data = self._blob(address).download_as_bytes()
        except NotFound:
            return None
        return json.loads(data)

    def read_dated_json(self, address: str) -> tuple[Any, datetime | None]:
        """Return the JSON at an address and when it was written, None and None without an object."""
        bucket, name = split(address)
        blob = self.client.bucket(bucket).get_blob(name)
        if blob is None:
            return None, None
        return json.loads(blob.download_as_bytes()), blob.updated

    def write_json(self, address: str, value: Any) -> None:
        """Write JSON with sorted keys; raises ValueError for NaN and infinity."""
        # Python would write them as `NaN`, which is not JSON, and the next reader would fail.
        text = json.dumps(value, sort_keys=True, indent=2, allow_nan=False) + "\n"
        self._blob(address).upload_from_string(text, content_type="application/json")

    def sizes(self, address: str) -> dict[str, int]:
        """Return the size in bytes of every object under an address, or of the object at it."""
        bucket, prefix = split(address)
        # with the slash: the prefix `run-1` would also list `run-10/`
        blobs = self.client.list_blobs(bucket, prefix=prefix.rstrip("/") + "/" if prefix else "")
        found = {f"{SCHEME}{bucket}/{blob.name}": blob.size or 0 for blob in blobs}
        one = None if found or not prefix else self.client.bucket(bucket).get_blob(prefix)
        return found if one is None else {address: one.size or 0}

    def open(self, address: str) -> Any:
        """Open an object for reading bytes in chunks."""
        return self._blob(address).open("rb")

    def _blob(self, address: str) -> Any:
        bucket, name = split(address)
        return self.client.bucket(bucket).blob(name)


def split(address: str) -> tuple[str, str]:
    """Return bucket and object name of ``gs://bucket/name``; raise ValueError for anything else."""
    bucket, _, name = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket:
        raise ValueError(f"{address!r} is not an address like gs://bucket/path")
    return bucket, name


def join(base: str, *parts: str) -> str:
    """Return ``base/part/part`` without doubled slashes."""
    return "/".join([base.rstrip("/"), *parts])
