"""A folder in Cloud Storage, with the credentials of this machine."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import islice
from typing import Any

from dagfactory.diagnostics.diagnostic import DagfactoryError

SCHEME = "gs://"
_MOST = 200_000


class StorageError(DagfactoryError):
    """Cloud Storage cannot be asked, or does not answer."""

    exit_code = 4


@dataclass(frozen=True)
class BucketFolder:
    """The objects of a bucket below a prefix."""

    bucket: str
    prefix: str

    @property
    def address(self) -> str:
        """The folder's address."""
        return f"{SCHEME}{self.bucket}/{self.prefix}"

    def files(self) -> Mapping[str, int]:
        """Return the size of each object below the prefix; raises StorageError."""
        below, client = f"{self.prefix}/", self._client
        with _plainly(self.address):
            fields = "items(name,size),nextPageToken"
            blobs = client.list_blobs(self.bucket, prefix=below, fields=fields)
            found = {each.name.removeprefix(below): each.size for each in islice(blobs, _MOST)}
        return {name: size for name, size in found.items() if name and not name.endswith("/")}

    def read(self, path: str, most: int) -> bytes:
        """Return an object's first bytes; raises StorageError."""
        client = self._client
        with _plainly(f"{self.address}/{path}"):
            blob = client.bucket(self.bucket).blob(f"{self.prefix}/{path}")
            # a part of an object has no checksum to compare with
            content: bytes = blob.download_as_bytes(start=0, end=most - 1, checksum=None)
            return content

    @cached_property
    def _client(self) -> Any:
        """Google's client; raises StorageError without the library or credentials."""
        # For traces, which are not collected here, the library would look up the bucket.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        try:
            with warnings.catch_warnings():
                # the libraries warn about old versions of Python on every start
                warnings.simplefilter("ignore", FutureWarning)
                storage = import_module("google.cloud.storage")
        except ImportError:
            needed = "reading gs:// needs google-cloud-storage: pip install 'dagfactory[gcp]'"
            raise StorageError(needed) from None
        with _plainly(self.address):
            return storage.Client(project=None)


@contextmanager
def _plainly(address: str) -> Iterator[None]:
    """Turn what the client library raises into one plain line."""
    roots = (
        import_module("google.api_core.exceptions").GoogleAPIError,
        import_module("google.auth.exceptions").GoogleAuthError,
        OSError,
    )
    try:
        yield
    except roots as error:
        line = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise StorageError(f"{address} cannot be read: {line}") from error
