"""Whether this machine can run pipelines itself: the embedded Airflow and the emulator."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from dagfactory.composer.checks import Line

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient

_PARTS = {
    "the embedded Airflow": ("apache-airflow-core", "apache-airflow-providers-google"),
    "the emulator": ("grpcio", "cryptography", "trustme", "duckdb", "sqlglot", "fastavro"),
}


def check(_patient: Patient) -> Iterator[Line]:
    """Look for what each of them needs."""
    for part, packages in _PARTS.items():
        missing = [name for name in packages if not _version(name)]
        if missing:
            fix = "pip install 'dagfactory[airflow]'"
            yield Line(f"{part} lacks {', '.join(missing)} on this machine", fix)
        else:
            yield Line(f"{part} is installed here ({packages[0]} {_version(packages[0])})")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
