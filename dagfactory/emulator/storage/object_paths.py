"""Object names as file paths below DIR/gcs/BUCKET."""

import re
from pathlib import Path

from dagfactory.emulator.errors import ApiError

BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
MAX_OBJECT_BYTES = 1024
MAX_FILE_BYTES = 255  # of the name of a file, on every system here
FOLDER = "/"  # an object whose name ends so is a placeholder: a directory, without content


def bucket_path(root: Path, bucket: str) -> Path:
    """Return a bucket's directory; raises INVALID_ARGUMENT for an impossible name."""
    if not BUCKET.fullmatch(bucket):
        raise ApiError("INVALID_ARGUMENT", f"Invalid bucket name: '{bucket}'")
    return root / bucket


def object_path(root: Path, bucket: str, name: str) -> Path:
    """Return an object's file; raises INVALID_ARGUMENT for a name that cannot be a file.

    Cloud Storage allows empty, '.' and '..' parts in the middle of a name; files do not, and
    where they occur they are nearly always a slip (gs://bucket//name).
    """
    parts = name.removesuffix(FOLDER).split("/")
    if not name or len(name.encode()) > MAX_OBJECT_BYTES or "\0" in name:
        raise ApiError("INVALID_ARGUMENT", f"Invalid object name: {name!r}")
    if any(part in ("", ".", "..") for part in parts):
        raise ApiError(
            "INVALID_ARGUMENT",
            f"Invalid object name for the emulator, which keeps objects as files: {name!r} has "
            "an empty, '.' or '..' part.",
        )
    if any(len(part.encode()) > MAX_FILE_BYTES for part in parts):
        raise ApiError(
            "INVALID_ARGUMENT",
            "Invalid object name for the emulator, which keeps objects as files: a part of "
            f"{name[:50]!r}… has more than {MAX_FILE_BYTES} bytes.",
        )
    return bucket_path(root, bucket).joinpath(*parts)
