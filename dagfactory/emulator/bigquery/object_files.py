"""`gs://` addresses of jobs as files of the storage emulator."""

import fnmatch
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagfactory.emulator.bigquery.errors import BigQueryError
from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.storage import object_paths

SCHEME = "gs://"
FIRST_SHARD = "0" * 12  # what BigQuery puts in place of the * of a destination


def split(uri: str) -> tuple[str, str]:
    """Return bucket and object of an address; raises BigQueryError (`invalid`)."""
    bucket, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket or not name:
        raise BigQueryError("invalid", f"Invalid URI: {uri}")
    return bucket, name


def matching(root: Path, uris: list[str]) -> list[Path]:
    """Return the files that addresses, each with a `*` or none, stand for; raises notFound."""
    found = [path for uri in uris for path in _matching(root, uri)]
    return list(dict.fromkeys(found))


def _matching(root: Path, uri: str) -> list[Path]:
    bucket, name = split(uri)
    try:
        top = object_paths.bucket_path(root, bucket)
    except ApiError as error:
        raise BigQueryError("invalid", error.message) from None
    start = top.joinpath(*name.partition("*")[0].split("/")[:-1])
    files = [Path(at, each) for at, _, below in os.walk(start) for each in below]
    found = [each for each in files if fnmatch.fnmatchcase(each.relative_to(top).as_posix(), name)]
    if not found:
        raise BigQueryError("notFound", f"Not found: Uris List of uris {uri}", uri)
    return sorted(found)


@contextmanager
def written(root: Path, uri: str, temporary: Path) -> Iterator[Path]:
    """Give the file `temporary` to write; it becomes the object, whole, when the block ends."""
    bucket, name = split(uri.replace("*", FIRST_SHARD, 1))
    if "*" in name:
        raise BigQueryError("invalid", f"Invalid destination URI, more than one wildcard: {uri}")
    target = object_paths.object_path(root, bucket, name)
    if not (root / bucket).is_dir():
        raise BigQueryError("notFound", f"Not found: Bucket {bucket}")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.parent.mkdir(parents=True, exist_ok=True)  # made when BigQuery is opened, if ever
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
