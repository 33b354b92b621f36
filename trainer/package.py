"""`python -m trainer.package`: this trainer as a source distribution for prebuilt containers.

Upload it and name it under `package:` of a job. The same code gives the same bytes: names are
sorted, owners are nobody, times are SOURCE_DATE_EPOCH (1980 where it is not set).
"""

import argparse
import gzip
import io
import os
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from trainer import DISTRIBUTION, __version__
from trainer.errors import UsageError, run_program
from trainer.storage import write_bytes

NAME = f"{DISTRIBUTION.replace('-', '_')}-{__version__}"  # as PEP 625 has it
EPOCH = 315532800  # 1980-01-01, the earliest time that a zip file, and so a wheel, can hold
# torch is not among them: it comes with the image, built for its CUDA.
DEPENDENCIES = (
    "google-auth>=2.40",
    "numpy>=2",
    "pillow>=12",
    "pydantic>=2.13",
    "pyyaml>=6.0.3",
    "requests>=2.32",
    "safetensors>=0.7",
)
PYTHON = ">=3.11"


def main(argv: Sequence[str]) -> int:
    """Write the package; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trainer.package", description=__doc__)
    parser.add_argument("--output", default="dist", type=Path, help="directory to write to")
    path = parser.parse_args(argv).output / f"{NAME}.tar.gz"
    write_bytes(path, archive(contents(Path(__file__).parent), epoch()))
    print(f"wrote {path}")
    return 0


def epoch() -> int:
    """Return the time of every file in the package, seconds since 1970."""
    text = os.environ.get("SOURCE_DATE_EPOCH", str(EPOCH))
    if not text.isdecimal():
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}, not a number of seconds")
    return max(int(text), EPOCH)


def contents(folder: Path) -> dict[str, bytes]:
    """Files of the package by name: the code, how to build it, what it says about itself."""
    code = {
        f"trainer/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*.py")
    }
    return {"PKG-INFO": metadata().encode(), "pyproject.toml": project().encode(), **code}


def metadata() -> str:
    """Core metadata: https://packaging.python.org/en/latest/specifications/core-metadata/."""
    head = ["Metadata-Version: 2.2", f"Name: {DISTRIBUTION}", f"Version: {__version__}"]
    needs = [f"Requires-Dist: {each}" for each in DEPENDENCIES]
    return "\n".join([*head, f"Requires-Python: {PYTHON}", *needs, ""])


def project() -> str:
    """Return the pyproject.toml with which pip builds the package."""
    needs = ", ".join(f'"{each}"' for each in DEPENDENCIES)
    return (
        '[build-system]\nrequires = ["setuptools>=68"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{DISTRIBUTION}"\nversion = "{__version__}"\nrequires-python = "{PYTHON}"\n'
        f"dependencies = [{needs}]\n\n"
        '[tool.setuptools.packages.find]\ninclude = ["trainer*"]\n'
    )


def archive(files: dict[str, bytes], time: int) -> bytes:
    """Pack files into a .tar.gz whose bytes depend on nothing else."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size, entry.mtime, entry.mode = len(files[name]), time, 0o644
            tar.addfile(entry, io.BytesIO(files[name]))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=time) as stream:
        stream.write(plain.getvalue())
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(run_program(main))
