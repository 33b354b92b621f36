"""Folders of a bucket kept in a directory of this machine, for where no mount makes them paths.

Inputs are fetched when they are named; outputs are written here first, then published.
"""

import os
import tempfile
from pathlib import Path

from trainer.place import GsAddress
from trainer.storage import storage_of

LAST = ("manifest.json", "metrics.json")  # in this order: whoever reads them finds the rest


def scratch(address: GsAddress) -> Path:
    """Return the directory of this machine that stands for a folder of a bucket."""
    return Path(tempfile.gettempdir()) / "trainer" / str(address).removeprefix("gs://").rstrip("/")


def fetch(address: GsAddress) -> Path:
    """Copy a folder, or the one file at an address, from its bucket; returns the copy."""
    storage, target = storage_of(address), scratch(address)
    names = storage.names(str(address))
    for name in names:
        if name.endswith("/"):
            fetch(address / name[:-1])
        elif name:
            target.mkdir(parents=True, exist_ok=True)
            own = target / f".{name}.{os.getpid()}"  # several processes may fetch at once
            own.write_bytes(storage.read(str(address / name)))
            own.replace(target / name)
    if any(sign in address.name for sign in "*?["):  # a pattern: it is looked for in the copy
        fetch(address.parent)
    return target


def publish(directory: Path, address: GsAddress) -> None:
    """Copy the files of a directory into a bucket, the ones that complete it last."""
    storage = storage_of(address)
    files = [path for path in directory.iterdir() if path.is_file()] if directory.is_dir() else []
    for path in sorted(files, key=lambda path: (path.name in LAST, path.name)):
        if not path.name.startswith("."):  # what a killed writer left
            storage.write(str(address / path.name), [path.read_bytes()])
