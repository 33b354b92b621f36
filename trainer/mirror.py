"""Folders of a bucket kept in a directory of this machine, for where no mount makes them paths.

Inputs are fetched when they are named; outputs are written here first, then published.
"""

import os
import tempfile
from pathlib import Path

from trainer.errors import TrainerError
from trainer.place import GsAddress
from trainer.storage import storage_of

LAST = ("manifest.json", "metrics.json")  # in this order: whoever reads them finds the rest


def scratch(address: GsAddress) -> Path:
    """Return the directory of this machine, and of this user, that stands for a bucket's folder."""
    home = Path(tempfile.gettempdir()) / f"trainer-{os.getuid()}"
    return home / str(address).removeprefix("gs://").rstrip("/")


def fetch(address: GsAddress) -> Path:
    """Copy a folder, a file or what a pattern is looked for in; returns the copy.

    Raises TrainerError where there is nothing.
    """
    if any(sign in address.name for sign in "*?["):
        return fetch(address.parent) / address.name
    if not fetch_folder(address) and not fetch_file(address):
        raise TrainerError(f"nothing is at {address}")
    return scratch(address)


def fetch_folder(address: GsAddress) -> bool:
    """Copy a folder with all that is below it; False where there is none."""
    names = [name for name in storage_of(address).names(str(address)) if name]
    for name in names:
        if name.endswith("/"):
            fetch_folder(address / name[:-1])
        else:
            fetch_file(address / name)
    return bool(names)


def fetch_file(address: GsAddress) -> bool:
    """Copy a file; False where there is none."""
    target = scratch(address)
    try:
        data = storage_of(address).read(str(address))
    except FileNotFoundError:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    own = target.with_name(f".{target.name}.{os.getpid()}")  # several processes may fetch at once
    own.write_bytes(data)
    own.replace(target)
    return True


def publish(directory: Path, address: GsAddress) -> None:
    """Copy the files of a directory into a bucket, the ones that complete it last."""
    storage = storage_of(address)
    files = [path for path in directory.iterdir() if path.is_file()] if directory.is_dir() else []
    for path in sorted(files, key=lambda path: (path.name in LAST, path.name)):
        if not path.name.startswith("."):  # what a killed writer left
            storage.write(str(address / path.name), [path.read_bytes()])
