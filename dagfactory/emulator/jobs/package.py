"""A job of a prebuilt container: install Python packages, then become a module of them.

    python package.py gs://BUCKET/NAME.tar.gz ... -- MODULE ARGUMENT ...

The packages go into a directory of their own under the emulator's state, named after their
content; it comes first on the module's path, and the working directory is left out of it.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FIRST = "PYTHONPATH"
NO_WORKDIR = {"PYTHONSAFEPATH": "1"}


def main(arguments: list[str]) -> None:
    """Install and run; does not return."""
    cut = arguments.index("--")
    root = Path(os.environ["GCSFUSE_ROOT"])
    target = installed([local(root, address) for address in arguments[:cut]], root.parent)
    rest = os.environ.get(FIRST)
    path = os.pathsep.join([str(target), *([rest] if rest else [])])
    module = [sys.executable, "-m", *arguments[cut + 1 :]]
    os.execve(sys.executable, module, {**os.environ, **NO_WORKDIR, FIRST: path})  # noqa: S606


def local(root: Path, address: str) -> Path:
    """Return the file that stands for an address; leaves with one line where there is none."""
    path = root / address.removeprefix("gs://")
    if not path.is_file():
        sys.exit(f"package {address} does not exist")
    return path


def installed(packages: list[Path], state: Path) -> Path:
    """Install packages, unless these very files were installed before; returns the directory."""
    digest = hashlib.sha256()
    for package in packages:
        digest.update(f"{package.name}\0".encode() + hashlib.sha256(package.read_bytes()).digest())
    home = state / "packages"
    target = home / digest.hexdigest()[:16]
    if not target.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=home))
        try:
            install(packages, made)
            with contextlib.suppress(OSError):  # another job was first
                made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return target


def install(packages: list[Path], target: Path) -> None:
    """Run pip without an index: what the packages need is in this environment, as in the image."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    command = [sys.executable, "-m", "pip", "install", *options, "--no-build-isolation"]
    done = subprocess.run([*command, "--target", str(target), *map(str, packages)], check=False)
    if done.returncode:
        sys.exit(f"pip could not install {' '.join(package.name for package in packages)}")


if __name__ == "__main__":
    main(sys.argv[1:])
