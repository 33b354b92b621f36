"""Cloud Storage by its client library: resumable uploads that never overwrite what they did not see.

An upload larger than a part goes up in parts, each tried again when the service is busy. It
carries the generation that it replaces, 0 for none: sent twice, or by two writers, it counts once.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage
from google.cloud.storage import Blob, Bucket
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from trainer.errors import TrainerError
from trainer.files import Pieces
from trainer.storage import check_size

PART = 2**23  # bytes, a multiple of 256 KiB
PATIENCE = 120.0  # seconds for one part, with all its repetitions
KNOWN = (exceptions.GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse)


@contextmanager
def one_line(doing: str) -> Iterator[None]:
    """Turn what the client library raises into an OSError of one line.

    A disk that fails raises the same: neither says anything about what lies there, so that a
    checkpoint that cannot be reached is never taken for a damaged one, passed over and pruned.
    """
    try:
        yield
    except KNOWN as error:
        reason = " ".join(str(error).split())[:300]
        raise OSError(f"cannot {doing}: {reason}") from None


class BucketStorage:
    """Objects; their names with slashes look like folders."""

    def __init__(self) -> None:
        with one_line("reach Cloud Storage"):
            self.client = storage.Client()

    def names(self, folder: str) -> list[str]:
        """List the objects under a prefix up to the next slash."""
        bucket, prefix = self._split(folder, folder=True)
        with one_line(f"list {folder}"):
            found = self.client.list_blobs(bucket, prefix=prefix, delimiter="/")
            names = [blob.name for blob in found]
        return sorted(name.removeprefix(prefix) for name in [*names, *found.prefixes])

    def read(self, address: str, largest: int | None = None) -> bytes:
        """Read one generation of an object; the client checks its crc32c."""
        bucket, name = self._split(address)
        with one_line(f"read {address}"):
            blob = bucket.get_blob(name)
            if blob is None:
                raise FileNotFoundError(address)
            check_size(address, blob.size, largest)
            data: bytes = blob.download_as_bytes(if_generation_match=blob.generation)
        return data

    def write(self, address: str, pieces: Pieces) -> None:
        """Upload an object on the condition that nobody has written it since it was looked at."""
        bucket, name = self._split(address)
        blob, stream = bucket.blob(name, chunk_size=PART), PiecesStream(pieces)
        with one_line(f"write {address}"):
            seen = bucket.get_blob(name)
            try:
                blob.upload_from_file(
                    stream,
                    size=stream.size,
                    if_generation_match=seen.generation if seen else 0,
                    checksum="crc32c",
                    timeout=PATIENCE,
                )
            except exceptions.PreconditionFailed:
                # The answer to an earlier try was lost, or somebody else writes here.
                if not self._holds(bucket, name, pieces):
                    raise TrainerError(f"{address} was written by somebody else") from None

    def remove(self, address: str) -> None:
        """Remove an object and all objects under it."""
        bucket, name = self._split(address)
        with one_line(f"remove {address}"):
            under = self.client.list_blobs(bucket, prefix=f"{name}/")
            for blob in [bucket.blob(name), *under]:
                with suppress(exceptions.NotFound):
                    blob.delete()

    def _holds(self, bucket: Bucket, name: str, pieces: Pieces) -> bool:
        """Whether an object has the contents that were to be written."""
        blob: Blob | None = bucket.get_blob(name)
        return blob is not None and bool(blob.download_as_bytes() == b"".join(pieces))

    def _split(self, address: str, *, folder: bool = False) -> tuple[Bucket, str]:
        """Bucket and name of an address; the name of a folder ends with a slash."""
        bucket, _, name = address.removeprefix("gs://").partition("/")
        name = name.rstrip("/")
        return self.client.bucket(bucket), f"{name}/" if folder and name else name


class PiecesStream(io.RawIOBase):
    """Pieces as one file to read from, without joining them; can go back, for repetitions."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces: Sequence[memoryview] = [memoryview(piece) for piece in pieces]
        self.size = sum(map(len, self.pieces))
        self.position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can go back: yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = base + offset
        return self.position

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes across pieces."""
        end = self.size if size < 0 else min(self.size, self.position + size)
        parts, begin = [], 0
        for piece in self.pieces:
            low, high = max(self.position - begin, 0), min(end - begin, len(piece))
            if low < high:
                parts.append(piece[low:high])
            begin += len(piece)
        self.position = max(self.position, end)
        return b"".join(parts)
