"""A wheel from files: the same files, the same bytes, with the standard library alone.

Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable, Mapping

VERSION = "0"
"""Of every wheel: what tells two of them apart is the hash of their bytes."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""

_WHEEL = "Wheel-Version: 1.0\nGenerator: dagfactory\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel_name(name: str) -> str:
    """Return the file's name, by which pip knows what it is."""
    return f"{name}-{VERSION}-py3-none-any.whl"


def wheel(name: str, files: Mapping[str, bytes], requirements: Iterable[str]) -> bytes:
    """Return the wheel that installs `files`, and first what it requires."""
    info = f"{name}-{VERSION}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requirements)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n{needs}"
    whole = {
        **dict(sorted(files.items())),
        f"{info}/METADATA": head.encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
    }
    rows = [f"{path},{_digest(content)},{len(content)}" for path, content in whole.items()]
    record = "\n".join([*rows, f"{info}/RECORD,,", ""])
    return _zip({**whole, f"{info}/RECORD": record.encode()})


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return "sha256=" + digest.decode().rstrip("=")


def _zip(files: Mapping[str, bytes]) -> bytes:
    import zipfile  # brings three compressors along, and few specs bring code

    packed = io.BytesIO()
    # not compressed: what zlib makes of the same text differs from build to build
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()
