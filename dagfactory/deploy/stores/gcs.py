"""Cloud Storage: the `dags/` folder of a Composer environment."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from importlib import import_module
from typing import Any

from dagfactory.compiler.bundle.bundle import MANIFEST, safe
from dagfactory.deploy.errors import DestinationChangedError, DestinationError, RefusedError
from dagfactory.deploy.stores import Store, StoredFile
from dagfactory.deploy.stores._lease import Lease, lease

SCHEME = "gs://"
TYPES = {".py": "text/x-python", ".json": "application/json"}
FIELDS = "items(name,size,md5Hash,crc32c,generation,metadata),nextPageToken"
MARK = "dagfactory"
"""The key of the metadata that marks our objects; its value is the destination and the path in it."""
NO_CREDENTIALS = (
    "no Google credentials that work; run `gcloud auth application-default login`, or in CI "
    "authenticate by Workload Identity Federation"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class GcsStore:
    """The objects of a bucket below a prefix."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client, self._prefix = client, f"{prefix}/"
        self._bucket = client.bucket(bucket)
        self.address = f"gs://{bucket}/{prefix}"

    def listing(self) -> dict[str, StoredFile]:
        """List the prefix; placeholders of folders are left out."""
        with self._plain_errors():
            found, pages = self._list()
            if pages == 1:
                return found
            # Several pages are no snapshot: what other syncs do in between is half seen. With a manifest
            # that is older than every page, whatever was committed since makes this sync's commit fail.
            again, _ = self._list()
            again.pop(MANIFEST, None)
            return again | {path: item for path, item in found.items() if path == MANIFEST}

    def read(self, path: str, *, generation: int) -> bytes:
        """Download one generation of an object."""
        with self._plain_errors(path):
            content: bytes = self._blob(path).download_as_bytes(if_generation_match=generation)
            return content

    def write(self, path: str, content: bytes, *, generation: int) -> int:
        """Upload an object in place of one generation."""
        kind = TYPES.get(path[path.rfind(".") :], "text/plain")
        blob = self._blob(path)
        blob.metadata = {MARK: self._mark(blob.name)}
        # `if_generation_match` also makes the client's own retries of 429 and 5xx safe.
        with self._plain_errors(path):
            try:
                blob.upload_from_string(content, content_type=kind, if_generation_match=generation)
            except _exception("PreconditionFailed"):
                # The client repeats an upload whose response was lost, and the second one fails the
                # precondition that the first one made untrue.
                return self._same(path, content)
            return int(blob.generation)

    def delete(self, path: str, *, generation: int) -> None:
        """Delete one generation of an object."""
        with self._plain_errors(path):
            try:
                self._blob(path).delete(if_generation_match=generation)
            except _exception("NotFound"):
                return  # already deleted, by a repeated request or by somebody else

    def tidy(self) -> None:
        """Do nothing: Cloud Storage drops an upload that was cut off by itself."""

    def look(self, path: str) -> StoredFile | None:
        """Describe one object; None where there is none."""
        with self._plain_errors(path):
            blob = self._bucket.get_blob(self._prefix + path)
            return None if blob is None else self._item(blob)

    def lock(self) -> AbstractContextManager[Lease]:
        """Hold an object that says so, and renew it while the work lasts."""
        return lease(self)

    def _list(self) -> tuple[dict[str, StoredFile], int]:
        """Return what is below the prefix, and in how many pages it came."""
        blobs = self._client.list_blobs(self._bucket, prefix=self._prefix, fields=FIELDS)
        found = {
            blob.name.removeprefix(self._prefix): self._item(blob)
            for blob in blobs
            if not blob.name.endswith("/")
        }
        return found, max(blobs.page_number, 1)

    def _blob(self, path: str) -> Any:
        return self._bucket.blob(self._prefix + path)

    def _same(self, path: str, content: bytes) -> int:
        """Return the generation of an object that has this content; raises where it has not."""
        item = self.look(path)
        if item is None or not item.has_content(content):
            raise DestinationChangedError(self.address, path)
        return item.generation

    def _item(self, blob: Any) -> StoredFile:
        marked = (blob.metadata or {}).get(MARK) == self._mark(blob.name)
        return StoredFile(
            int(blob.size), int(blob.generation), blob.md5_hash, blob.crc32c, marked=marked
        )

    def _mark(self, name: str) -> str:
        # with the name: a copy under another one, or in another bucket, is somebody else's
        return f"{self.address} {name.removeprefix(self._prefix)}"

    @contextmanager
    def _plain_errors(self, path: str = "") -> Iterator[None]:
        """Turn the exceptions of the client library into our own, with a message of one line."""
        try:
            yield
        except _exceptions() as error:
            raise _plain_error(error, self.address, path) from error


def connect(destination: str) -> Store:
    """Return the store of `gs://BUCKET/PREFIX`, with the credentials of this machine."""
    bucket, _, prefix = destination.removeprefix(SCHEME).partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        raise DestinationError(f"`{destination}` names no bucket; write gs://BUCKET/dags/PREFIX")
    if not prefix:
        raise DestinationError(
            f"DAG files cannot go to the root of {bucket}, where Airflow keeps its own files; "
            f"write gs://{bucket}/dags/PREFIX"
        )
    if not safe(prefix):
        raise DestinationError(f"`{destination}` has an empty or relative part in its path")
    return GcsStore(_client(), bucket, prefix)


def _client() -> Any:
    """Return a client; raises DestinationError without the library or credentials."""
    # For traces, which are not collected here, the library would look up the bucket in the background.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    try:
        with warnings.catch_warnings():
            # the libraries warn about old versions of Python on every start
            warnings.simplefilter("ignore", FutureWarning)
            storage = import_module("google.cloud.storage")
    except ImportError as error:
        raise DestinationError(
            "syncing to gs:// needs google-cloud-storage: pip install 'dagfactory[gcp]'"
        ) from error
    try:
        return storage.Client(
            project=None
        )  # buckets are global; a project would have to be configured
    except _auth_error() as error:
        raise DestinationError(f"{NO_CREDENTIALS} ({_first_line(error)})") from error


def _exception(name: str) -> type[Exception]:
    found: type[Exception] = getattr(import_module("google.api_core.exceptions"), name)
    return found


def _exceptions() -> tuple[type[Exception], ...]:
    """Return the roots of everything that the client library raises."""
    storage = import_module("google.cloud.storage.exceptions")
    roots = (_exception("GoogleAPIError"), _auth_error(), storage.InvalidResponse)
    return (*roots, storage.DataCorruption, OSError)


def _auth_error() -> type[Exception]:
    found: type[Exception] = import_module("google.auth.exceptions").GoogleAuthError
    return found


def _plain_error(error: Exception, address: str, path: str) -> Exception:
    """Return our own exception for one of the client library."""
    place, line = f"{address}/{path}" if path else address, _first_line(error)
    if isinstance(error, _auth_error()):
        return DestinationError(f"{NO_CREDENTIALS} ({line})")
    match getattr(error, "code", None):
        case HTTPStatus.PRECONDITION_FAILED:
            return DestinationChangedError(address, path)
        case HTTPStatus.NOT_FOUND:
            return (
                DestinationChangedError(address, path)
                if path
                else RefusedError(f"{place}: no such bucket")
            )
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return RefusedError(f"{place}: these credentials may not do that ({line})")
    return RefusedError(f"{place}: Cloud Storage did not answer; try again ({line})")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
